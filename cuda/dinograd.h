// The native contract: what may TypeScript ask of a native library, and what is promised in return?
//
// Three builds implement this header: libdinograd_cuda.so (NVIDIA GPUs), libdinograd_cpu.so (x86-64) and a WebAssembly
// module. `src/native/symbols.ts` is its one transcription on the other side.
//
// Arrays.     An array is a typed run of elements on one device, named by a positive i32 handle (slot and generation). The
//             library keeps type, element count, device and storage, so a call needs no sizes that it could get wrong: it
//             checks them. Views are arrays of their own that share storage; storage lives until its last array is freed.
//             bool is one byte, 0 or 1, and uploads must keep to that. float16 and bfloat16 are ways to store floats: what is
//             read is widened to float32, sums and all other arithmetic are float32, and a result is rounded once, to the
//             nearest (ties to even), when it is stored. A call that takes "floats" takes the three types, all its floats
//             of one type unless it says otherwise.
// Arguments.  Only i32, f32 and f64 cross the boundary (V8's fast calls take 4 to 6 ns). f64 carries element counts, which
//             are exact to 2^53. Host data is the one exception: dg_upload and dg_download take a pointer.
// Scratch.    Shapes and other lists travel through the calling thread's scratch area, DG_SCRATCH f64 values that the
//             caller writes from index 0 just before the call. Over FFI it is registered with dg_open; in WebAssembly
//             dg_scratch() gives its address. Calls documented as "text" leave UTF-8 bytes there and return their length.
// Status.     Functions that return int return 0 (or a positive handle, count or length) for success and one of the
//             negative DG_E_ codes for failure; dg_message then gives the sentence. A call that is refused has changed
//             nothing. What only a kernel can see (an index outside its range) or a device reports comes to light later:
//             then outputs are undefined, and a replay ends in the middle. A kernel that breaks a GPU's rules takes that
//             GPU out of use until the process ends: the call that learns of it says what was running, later ones say
//             that it happened. DINOGRAD_SYNC=1 in the environment waits after each kernel, so that the first is exact.
//             Native code never exits, never throws across the boundary and never trusts a size.
// Order.      Calls on one device take effect in the order they were made. On a GPU they are enqueued: only dg_download,
//             dg_synchronize, what gives memory or programs back to the system, and whoever is far ahead (1024 calls or
//             32 MiB of uploads) wait. One lock guards the library, from the first to the last line of each call
//             (dg_replay: of all its steps), so any thread may call.
// Recording.  Between dg_record_begin and dg_record_end the calling thread's kernel calls are noted instead of run, and
//             arrays it allocates live in the recording's arena. dg_replay runs the program as often as asked.
//             Inside a recording dg_download, dg_address to read, dg_synchronize, dg_replay, copies between devices and
//             kernel calls on another device fail with DG_E_RECORD. dg_upload, dg_alloc, dg_view and dg_free work at once.
// In place.   Elementwise calls, softmax and the gradients of softmax and cross-entropy may write over an input of floats
//             (elementwise calls: any input) that is element for element their output. All other outputs are apart from the
//             inputs of their call; whatever else overlaps is refused.
#ifndef DINOGRAD_H
#define DINOGRAD_H
#if defined(__wasm__)
#define DG_API __attribute__((visibility("default"), used))
#else
#define DG_API __attribute__((visibility("default")))
#endif
#ifdef __cplusplus
extern "C" {
#endif

#define DG_VERSION 5         // grows with every change of this header; both sides compare it before anything else
#define DG_SCRATCH 2048      // f64 values in the scratch area
#define DG_MAX_RANK 8        // longest shape any call takes
#define DG_HYPER 16          // f32 values in an optimizer's `hyper` array
#define DG_COALESCE 1048576  // indices of a dg_coalesce

enum dg_dtype { DG_FLOAT32 = 0, DG_FLOAT16 = 1, DG_BFLOAT16 = 2, DG_INT32 = 3, DG_UINT8 = 4, DG_BOOL = 5 };
enum dg_error {
  DG_E_ARGUMENT = -1,  // a handle, size, type or number is not what the call needs
  DG_E_MEMORY = -2,    // not enough memory, or over the limit set by dg_memory_limit
  DG_E_DEVICE = -3,    // no such device, or the device reported a failure
  DG_E_RECORD = -4,    // not possible while (or: only possible while) recording
};

// ---- Library and threads ------------------------------------------------------------------------------------------
// DG_VERSION of the build.
DG_API int dg_version(void);
// Registers `scratch` (DG_SCRATCH f64 values, which must outlive the thread's last call) for the calling thread and returns the
// thread's context id (> 0), which dg_replay takes because it may run on another thread.
DG_API int dg_open(double *scratch);
// Address of the calling thread's scratch area: the one it opened or, before that, one that belongs to the library (WebAssembly's
// only thread needs no other).
DG_API double *dg_scratch(void);
// Text: the sentence for the last failure in that context.
DG_API int dg_message(int context);
// Text: name number `index` of a family, so that both sides share ids without a second list; DG_E_ARGUMENT past the end.
enum dg_family {
  DG_NAMES_UNARY,
  DG_NAMES_BINARY,
  DG_NAMES_REDUCE,
  DG_NAMES_ARGREDUCE,
  DG_NAMES_SCAN,
  DG_NAMES_RANDOM,
  DG_NAMES_UPDATE,
  DG_NAMES_CLIP,
};
DG_API int dg_name(int family, int index);
// Worker threads of the CPU build: asks for `count` (0 asks only) and returns the number in force. Results never depend on it.
DG_API int dg_threads(int count);

// ---- Devices -------------------------------------------------------------------------------------------------------
// Number of devices of this library; DG_E_DEVICE with the reason (no driver, driver too old, ...) when there is none.
DG_API int dg_device_count(void);
// Text: one property of a device as a string.
enum dg_text { DG_DEVICE_NAME, DG_DEVICE_DETAILS };
DG_API int dg_device_text(int device, int what);
// One property of a device as a number; 0 where it does not apply, negative DG_E_ for a bad argument.
enum dg_number {
  DG_MEMORY_TOTAL,  // bytes
  DG_MEMORY_FREE,
  DG_COMPUTE_CAPABILITY,  // major * 10 + minor
  DG_MULTIPROCESSORS,     // CPU: threads
  DG_CLOCK,               // kHz
  DG_DRIVER_VERSION,      // 1000 * major + 10 * minor
  DG_RUNTIME_VERSION,
  DG_L2_BYTES,
  DG_ECC,          // 0 or 1
  DG_VECTOR_BITS,  // bits of a vector register (CPU)
};
DG_API double dg_device_number(int device, int what);
// Waits until everything enqueued on the device is done.
DG_API int dg_synchronize(int device);

// ---- Memory --------------------------------------------------------------------------------------------------------
// Each device has a pool. Arrays of up to 1 MiB are cut from pieces of 2 MiB, larger ones are pieces of their own, which are kept
// when they are freed; sizes are rounded up by an eighth at most, and to 256 bytes. With DINOGRAD_POOL=off in the environment
// every array is an allocation of its exact size that is given back when it is freed, so that sanitizers see what touches its
// neighbours. The figures below leave out what a GPU needs to be used at all: 32 MiB of workspace, 16 MiB (and 17 MiB of the
// host's memory, pinned) for large transfers from the first of them on, and what the driver takes.

// A new array of `count` (>= 0) elements, contents undefined. While recording it belongs to the arena, unless `persistent` is 1:
// then it comes from the pool as always, and the program keeps it alive as long as it uses it.
DG_API int dg_alloc(int device, int dtype, double count, int persistent);
// A view of `count` elements of type `dtype` that starts `offset` elements of `array`'s own type into it.
DG_API int dg_view(int array, double offset, int dtype, double count);
DG_API int dg_free(int array);
// Host memory to array elements [offset, offset + bytes / element size) and back. dg_upload works at once even while recording
// (into persistent arrays only), and when it returns `data` may change; dg_download waits for the array's device.
DG_API int dg_upload(int array, double offset, const void *data, double bytes);
DG_API int dg_download(int array, double offset, void *data, double bytes);
// WebAssembly's way to transfer: the address of that part of the array, checked as dg_upload (write 1) or dg_download (write 0)
// would; valid until the next call. Other builds have host memory elsewhere and answer DG_E_DEVICE.
DG_API double dg_address(int array, double offset, double bytes, int write);
// dst = src: same type and count; the devices may differ.
DG_API int dg_copy(int src, int dst);
// Every element of `array` = value, converted to its type (bool: value != 0).
DG_API int dg_fill(int array, double value);
enum dg_memory_kind {
  DG_BYTES_LIVE,    // bytes of all arrays' storage, views counted once
  DG_BYTES_PEAK,    // largest DG_BYTES_LIVE since the start or dg_memory_reset
  DG_BYTES_CACHED,  // bytes the pool holds ready for reuse, the free parts of pieces in use among them
  DG_BYTES_LIMIT,   // the cap, 0 for none
  DG_ARRAY_COUNT,   // live handles, views included
  DG_BYTES_ARENA,   // bytes of all arenas (part of DG_BYTES_LIVE)
};
DG_API double dg_memory(int device, int what);
DG_API int dg_memory_reset(int device);  // the peak starts again from now
// Live memory stays below, and so does live + cached whenever more is taken from the system; 0 lifts the cap.
DG_API int dg_memory_limit(int device, double bytes);
DG_API int dg_trim(int device);  // cached pieces go back to the system

// ---- Record and replay ---------------------------------------------------------------------------------------------
// An arena: the memory that the recordings of one model share. It grows to the largest of them. So a program, when it runs, may
// overwrite arena arrays that later recordings made; those alive when it was recorded it leaves alone.
DG_API int dg_arena(int device);
DG_API int dg_arena_free(int arena);  // its programs and arrays must be gone
// Starts noting this thread's calls on the arena's device. Arena arrays that an earlier recording left alive stay allocated; all
// other arena memory is reused.
DG_API int dg_record_begin(int arena);
DG_API int dg_record_end(void);    // program handle (> 0)
DG_API int dg_record_abort(void);  // forget the calls noted so far; harmless when not recording
DG_API int dg_program_free(int program);
// Kernel calls per run of the program, which leaves out copies it can do without.
DG_API double dg_program_calls(int program);
// Runs the program `steps` times. Before run i, f32 elements [i * width, (i + 1) * width) of `params` are copied to the start of
// `target`, which is apart from them (width 0: nothing is). Takes its context explicitly, so that it may be called off the main
// thread.
DG_API int dg_replay(int context, int program, int steps, int params, int target, int width);

// ---- Profile -------------------------------------------------------------------------------------------------------
// From 1 on each kernel call, those of programs too, runs by itself, is waited for and timed (a GPU's launch and the wait are in
// it), until 0; 1 forgets what was timed before.
DG_API int dg_profile(int on);
// Text: calls that were alike, number `index` of them, as fields between tabs: name of the family, sizes, number of calls,
// nanoseconds that they took together, and of one call the floating-point operations and the bytes that it must read and write at
// least (0 where nobody counts them). DG_E_ARGUMENT past the end.
DG_API int dg_profile_row(int index);
// y = a y + b (fused, float32), `turns` times over in registers: what the device can compute at most, when it is timed.
DG_API int dg_iterate(int y, float a, float b, double turns);

// ---- Elementwise ---------------------------------------------------------------------------------------------------
// Operations are those of ops.def; their ids are found by name (dg_name). a and b of dg_unary are the parameters of the formula
// (leakyRelu's slope, clipByValue's bounds). Arithmetic results have the type of the operands, predicates are bool.

DG_API int dg_unary(int op, int x, int y, float a, float b);
// rank 0: a, b and y have the same count, or a or b has one element. Otherwise scratch holds dims of a [rank], then dims of b
// [rank] (each padded with leading 1s); a size of 1 broadcasts. Operands have one type.
DG_API int dg_binary(int op, int a, int b, int y, int rank);
// y = condition ? a : b, with the broadcasting of dg_binary (scratch: condition, a, b).
DG_API int dg_where(int condition, int a, int b, int y, int rank);
// y = x in y's type, any types. To integers: truncation towards zero, NaN to 0, values outside the type saturate (uint8: int32
// first, then its low byte); to bool: x != 0.
DG_API int dg_cast(int x, int y);

// ---- Movement ------------------------------------------------------------------------------------------------------
// Strided copy over an index space: y[y_offset + sum i_d ys_d] = x[x_offset + sum i_d xs_d] for all i < dims. Scratch: dims
// [rank], xs [rank], ys [rank], in elements; strides may be negative or (xs only) 0. In y each dimension must step over all that
// those of smaller stride write, so that no element is written twice. One call each for transpose, slice, strided slice, reverse,
// tile, broadcastTo, pad and concat.
DG_API int dg_strided(int x, double x_offset, int y, double y_offset, int rank);
// y[o, i, :] = x[o, index[i], :] with x [outer, rows, inner], index int32 [count], y [outer, count, inner]. `start` is 0 or an
// int32 array of one element: then index[*start + i] is read instead (index may be longer), so that a recorded step walks through
// an epoch's order. An index outside [0, rows) gives zeros and, on CPU and WebAssembly, an error; positions outside the index are
// an error there too, and zeros on a GPU.
DG_API int dg_gather(int x, int index, int start, int y, double outer, double rows, double count, double inner);
// y[o, index[i], :] += x[o, i, :], repeated indices in ascending i; floats and int32. Indices outside [0, rows) are left out. (A
// GPU rounds 16-bit sums every 2^20 indices, which is as many as it takes at once.)
DG_API int dg_scatter_add(int x, int index, int y, double outer, double rows, double count, double inner);
// What dg_scatter_add makes of zeros, without the rows that stay zeros: order (int32 [count]) = index in ascending order, those
// outside [0, rows) last and as `rows`; y[p, :] = the sum, in ascending i, of all x[i, :] whose index[i] is order[p], where p is
// the first place of that row, and 0 at all other places. x and y are float32 [count, inner], inner at least 1; count is at most
// DG_COALESCE, rows 1 to 2^31 - 1.
DG_API int dg_coalesce(int x, int index, int order, int y, double rows, double count, double inner);
// y [count, depth]: on where the column equals index[i], off elsewhere; both converted to y's type as by dg_cast.
DG_API int dg_one_hot(int index, int y, double depth, float on, float off);

// ---- Reductions ----------------------------------------------------------------------------------------------------
// Scratch: dims [rank]; bit d of `axes` set: dimension d is reduced. Floats and int32 (not mean), all and any bool. Sums and
// products of int32 wrap. Of an empty axis: sum and sumSquares 0, mean NaN, prod 1, max -inf (int32: the smallest), min +inf
// (int32: the largest), all 1, any 0. NaN spreads through max and min.
DG_API int dg_reduce(int op, int x, int y, int rank, int axes);
// y int32 [outer, inner] = position of the first largest (smallest) value along the middle axis of x [outer, n, inner]. NaN
// counts as largest (smallest). Floats and int32. n = 0 and n > 2^31 - 1 are refused, unless y is empty.
DG_API int dg_argreduce(int op, int x, int y, double outer, double n, double inner);
// Running sum or product of floats or int32 along the middle axis; exclusive: each result leaves its own element out; reverse:
// from the end.
DG_API int dg_scan(int op, int x, int y, double outer, double n, double inner, int exclusive, int reverse);

// ---- Matrix product ------------------------------------------------------------------------------------------------
enum dg_matmul_flag {
  DG_TRANSPOSE_A = 1,  // a is stored [k, m]
  DG_TRANSPOSE_B = 2,  // b is stored [n, k]
  DG_SHARE_A = 4,      // one a for the whole batch
  DG_SHARE_B = 8,      // one b for the whole batch
  DG_TF32 = 16,        // float32 factors may be rounded to TF32 (10 bits of mantissa) where that is quicker
  DG_TF32X3 = 32,  // or taken apart into two such numbers, of which three products are made: nearly as exact as float32
};
// y [batch, m, n] = activation(a [batch, m, k] . b [batch, k, n] + bias [n]); bias 0: none; activation -1: none, otherwise the id
// of a unary operation with its parameter alpha. Floats and int32 (no bias or activation).
DG_API int dg_matmul(int a, int b, int bias, int y, double batch, double m, double n, double k, int flags,
                     int activation, float alpha);
// Back through the activation that a product or convolution ended in, and its bias: dz [rows, n] = dy * f'(y) from the result y,
// and dbias [n], the sum of its rows. f: relu, relu6, elu, selu, sigmoid, tanh or hardSigmoid. Floats.
DG_API int dg_activation_grad(int activation, int dy, int y, int dz, int dbias, double rows, double n);
// Back through y [m, n] = activation(a [m, k] . b [k, n] + bias [n]), from dy and y: as dg_activation_grad dz [m, n] and dbias,
// then da = dz . b transposed and db = a transposed . dz. da, db and dbias: 0 where not wanted. Without an activation y and dz
// are 0; with one, dbias is wanted. flags: 0, DG_TF32 or DG_TF32X3. Floats.
DG_API int dg_matmul_grad(int a, int b, int y, int dy, int dz, int da, int db, int dbias, double m, double n, double k,
                          int flags, int activation);
// Who multiplies on a GPU: this library's kernels, cuBLASLt, or whichever of the two is known to be quicker for the size. Sets
// the engine for the process (DG_ENGINE_ASK: leaves it) and returns the one in force; DG_E_DEVICE with the reason where cuBLASLt
// was asked for and cannot be opened. Builds without a choice are DG_ENGINE_OWN and refuse others.
enum dg_engine { DG_ENGINE_ASK = -1, DG_ENGINE_BEST = 0, DG_ENGINE_OWN = 1, DG_ENGINE_CUBLASLT = 2 };
DG_API int dg_engine(int engine);

// ---- Convolution and pooling ---------------------------------------------------------------------------------------
// Inputs and outputs are [batch, sizes of 1 to 3 spatial dimensions (the rank), channels]. Along a dimension, element w of the
// window of output o lies on input o * stride + w * dilation - padding; what falls outside the input is left out, so that padding
// behind it follows from the output's size. Sizes, and outputs * stride + window * dilation + inputs + padding, are below 2^31.
enum dg_conv_kind {
  DG_CONV_FORWARD,  // y output = a input with b filter
  DG_CONV_INPUT,    // y input = a output with b filter: the gradient of the input, and the transposed convolution
  DG_CONV_FILTER,   // y filter = a input with b output: the gradient of the filter; no bias or activation
};
// Filters are [window sizes, input channels / groups, output channels]; group g takes the g-th part of the channels of either
// side. Scratch: batch, input channels, output channels, groups, then [rank] each: input sizes, output sizes, window sizes,
// strides, dilations, paddings. Floats; bias has y's channels; bias, activation and alpha as for dg_matmul; flags: 0, DG_TF32 or
// DG_TF32X3.
DG_API int dg_conv(int kind, int a, int b, int bias, int y, int rank, int flags, int activation, float alpha);
enum dg_pool_kind {
  DG_POOL_MAX,      // NaN spreads; -inf where a window has no elements
  DG_POOL_AVERAGE,  // of a window's elements; NaN where it has none
  DG_POOL_ARGMAX,  // forward only, y int32: where in its sample the first maximum (NaN counts as one) lies; -1 for none
};
// Windows of each channel by itself. Scratch: batch, channels, then [rank] each as for dg_conv. Floats.
DG_API int dg_pool(int kind, int x, int y, int rank);
// dx from dy: the first maximum of a window, in row-major order, takes its gradient; an average shares it equally. x and y: input
// and result of the maximum; both 0 for the average.
DG_API int dg_pool_grad(int kind, int x, int y, int dy, int dx, int rank);

// ---- Resizing ------------------------------------------------------------------------------------------------------
// Images [batch, height, width, channels] made larger or smaller. Scratch: batch, channels, heights of input and output, widths
// of input and output; sizes are 1 to 2^20. Output o of a dimension lies at p among the inputs, in float32:
enum dg_resize_grid {
  DG_GRID_EDGES,    // p = o * (inputs / outputs)
  DG_GRID_CORNERS,  // p = o * ((inputs - 1) / (outputs - 1)); of one output as DG_GRID_EDGES
  DG_GRID_CENTERS,  // p = (o + 0.5) * (inputs / outputs) - 0.5
};
enum dg_resize_kind {
  DG_RESIZE_NEAREST,   // the input at floor(p); floor(p + 0.5) for DG_GRID_CORNERS and DG_GRID_CENTERS
  DG_RESIZE_BILINEAR,  // those at floor(p) and floor(p) + 1, weighted by how near they are, in either dimension
};
// Inputs outside are those at the border. Any type, bilinear: floats.
DG_API int dg_resize(int kind, int x, int y, int grid);
// dx from dy: each input takes the gradients of the outputs that it is in, weighted as there, in their order. Floats.
DG_API int dg_resize_grad(int kind, int dy, int dx, int grid);

// ---- Normalization -------------------------------------------------------------------------------------------------
// x is floats [batch, rows, groups, size]. What is normalised together lies in one sample (of `batch`) and one group, in all its
// rows; each of the groups * size channels has a scale and an offset. Batch normalization is [1, rows, channels, 1], layer
// normalization [rows, 1, 1, n], group normalization [batch, positions, groups, channels / groups]. Scratch: batch, rows, groups,
// size, all at least 1. mean and variance are float32 [batch, groups], scale and offset float32 [groups, size] whatever x is.

// y = (x - mean) / sqrt(variance + epsilon) * scale + offset. scale or offset 0: without it. measure 1: mean and variance (of n
// elements: the sum of squared deviations over n) are first computed from x and written, 0: they are read. mean 0: nothing is
// subtracted, and the variance measured is the mean of the squares.
DG_API int dg_normalize(int x, int scale, int offset, int mean, int variance, int y, int measure, float epsilon);
// The gradients of x, scale and offset (dscale or doffset 0: not wanted) from dy, where mean and variance were measured.
DG_API int dg_normalize_grad(int x, int dy, int scale, int mean, int variance, int dx, int dscale, int doffset,
                             float epsilon);

// ---- Softmax and cross-entropy -------------------------------------------------------------------------------------
// Along the last axis of floats [rows, n]; log: 1 for log-softmax.

DG_API int dg_softmax(int x, int y, double rows, double n, int log);
// dx from dy and the forward result y.
DG_API int dg_softmax_grad(int dy, int y, int dx, double rows, double n, int log);
// loss [rows] = -sum labels * log softmax(logits). labels: floats [rows, n], or int32 [rows] class numbers; one outside [0, n)
// gives NaN and, on CPU and WebAssembly, an error. loss and dloss are float32 whatever the logits are.
DG_API int dg_cross_entropy(int logits, int labels, int loss, double rows, double n);
// dlogits [rows, n] = dloss [rows] * (softmax(logits) * sum labels - labels).
DG_API int dg_cross_entropy_grad(int logits, int labels, int dloss, int dlogits, double rows, double n);

// Of each element (labels - x)^2, or softplus(x) - labels * x, the cross-entropy of a label in [0, 1] and a logit; of each row
// what dg_cross_entropy gives.
enum dg_loss_kind { DG_LOSS_SQUARED, DG_LOSS_SIGMOID, DG_LOSS_SOFTMAX };
// loss [1] = scale * the sum of all losses of x [rows, n], and dx, its gradient (0: not wanted). Labels are like x, or, for
// DG_LOSS_SOFTMAX, int32 [rows] class numbers as dg_cross_entropy takes them. x, labels and dx are floats; loss is float32. At
// most 2^22 rows of DG_LOSS_SOFTMAX.
DG_API int dg_loss(int kind, int x, int labels, int loss, int dx, double rows, double n, float scale);

// ---- Recurrent layers ----------------------------------------------------------------------------------------------
// A cell along whole sequences: in step t the state h follows from the state h' before it and from p, what the inputs say.
// Scratch: batch, steps (at least 1), units (at least 1). f is `activation` and g `gate`, -1 or the id of a unary operation
// without parameters whose derivative follows from its result: relu, relu6, elu, selu, sigmoid, tanh or hardSigmoid.

enum dg_cell {     // how many parts of `units` p and the kernel K have, and those of the trace
  DG_CELL_SIMPLE,  // 1: h = f(p + h' K). No trace
  DG_CELL_LSTM,    // 4: i, f, n, o = p + h' K; c = g(f) c' + g(i) f(n), h = g(o) f(c). Trace: g(i) g(f) f(n) g(o) c
  DG_CELL_GRU,     // 3: z, r = g(p + h' K), n = f(p + r (h' K + bias)), h = z h' + (1 - z) n. Trace: z r n h' K + bias
  DG_CELL_GRU_BEFORE,  // 3: the same with n = f(p + (r h') K). Trace: z r n r h'
};
// projected: p [batch, steps, parts * units]; kernel [units, parts * units]; bias [units] or 0, DG_CELL_GRU only; h and c
// (DG_CELL_LSTM only): states [batch, units] before the first step, zeros where 0. mask: 0 or bool [batch, steps]: states stay
// where it is false. keep: 0 or [batch, units], by which h' is multiplied before it meets K: what dropout leaves of it. y: all h
// [batch, steps, units]; of DG_CELL_LSTM also [batch, steps + 1, units], c after the last step in the end. trace: what the
// gradient needs, [batch, steps, parts of the trace * units]; where there will be none, [batch, 1, ...] is room enough; 0 for
// DG_CELL_SIMPLE. Floats.
DG_API int dg_recurrent(int kind, int projected, int kernel, int bias, int h, int c, int mask, int keep, int y,
                        int trace, int activation, int gate);
// dprojected from dy (as large as y, or [batch, units]: that of h after the last step, where nobody looks at others) and what the
// forward call took and gave; dh and dc (DG_CELL_LSTM only), float32: gradients of the states before the first step. dproduct,
// DG_CELL_GRU only: the gradient of h' K, as large as projected. That of K is then a matrix product of h' keep (r h' keep for n
// of DG_CELL_GRU_BEFORE) with dproduct, elsewhere with dprojected. before: 0, or h' keep of all steps [batch, steps, units].
DG_API int dg_recurrent_grad(int kind, int kernel, int h, int c, int mask, int keep, int y, int trace, int dy,
                             int dprojected, int dproduct, int before, int dh, int dc, int activation, int gate);

// ---- Attention -----------------------------------------------------------------------------------------------------
// Of floats q [batch, queries, heads, size], k [batch, keys, key heads, size] and v [batch, keys, key heads, value size]. heads
// is a multiple of key heads: so many neighbouring heads of q share one of k and v. Scratch: batch, queries, keys, heads, key
// heads, size, value size, then batch, heads and queries of the mask, each 1 or as before; all but batch are at least 1, sizes at
// most 2^16. A key counts for a query where mask (bool [its batch, its heads, its queries, keys]; 0: none) is true and, where
// causal is 1, the key's number is not above the query's. The scores of keys that do not count are one very low number: of a
// query for which none counts, all keys weigh alike. Scores are never stored as a whole.

// y [batch, queries, heads, value size] = softmax(scale * q . k, over keys) . v, head by head. stats: 0, or float32 [batch,
// heads, queries, 2], of each row of scores its maximum and the sum of exponentials relative to that.
DG_API int dg_attention(int q, int k, int v, int mask, int y, int stats, float scale, int causal);
// dq, dk and dv from dy, y and stats as dg_attention left them.
DG_API int dg_attention_grad(int q, int k, int v, int mask, int y, int stats, int dy, int dq, int dk, int dv,
                             float scale, int causal);

// ---- Random numbers ------------------------------------------------------------------------------------------------
// Fills y from Philox4x32-10. `state` is an int32 array of 4: key low, key high, counter low, counter high; the call advances the
// counter by ceil(count / 4), so the next draw differs, replayed or not. Floats: uniform of [a, b); normal with mean a and
// deviation b; truncatedNormal, the same within two deviations of the mean (16-bit ones are float32 draws, rounded). Floats or
// int32: bernoulli, 1 with probability a. int32: uniformInt, integers of [a, b).
DG_API int dg_random(int op, int state, int y, float a, float b);

// ---- Optimizers ----------------------------------------------------------------------------------------------------
// The gradients of a step lie in one flat float32 array. Scratch lists the segments: `count` pairs (handle of a parameter, floats
// of any type; weight decay switch 0 or 1); segment i starts where the segment before ended, rounded up to a multiple of 16
// elements.

// One step of an optimizer for all parameters: each is written in place, so no two arrays of the call may share memory. s1..s3
// are flat state arrays in the layout of `grads` (0 where the rule has none), `hyper` a float32 array of DG_HYPER: [0] learning
// rate, [1] decoupled weight decay (w -= rate * decay * w first), the rest as math/updates.h says; `iteration` an int32 array of
// 1 that the call increments. `finite` is 0 or an int32 array of 1: the call changes nothing at all while that holds 0. The last
// `tables` triples of scratch, behind the segments, are for parameters that are tables of rows of which few have gradients:
// number of the segment, ascending; handles of `order` and `y` as dg_coalesce leaves them. These stand for the segment's part of
// `grads`, which is not read. Rows that are not in `order` have gradients of 0; where the rule leaves weight and state as they
// are then, and nothing decays, they are not touched.
DG_API int dg_update(int op, int grads, int s1, int s2, int s3, int hyper, int iteration, int finite, int count,
                     int tables);
// Limits gradients in place: clipvalue to [-limit, limit], clipnorm each segment's Euclidean norm, globalClipnorm the norm of
// them all. Scratch lists the segments.
DG_API int dg_clip(int op, int grads, float limit, int count);
// flag (int32 [1]) = 1 if every element of the float32 array is finite, else 0.
DG_API int dg_all_finite(int x, int flag);
// The step of a dynamic loss scale after the finite check of its gradients. scale float32 [1], steps int32 [1] since the last
// change, finite int32 [1]. Finite: steps counts up, and the `growth`th one doubles the scale; else the scale is halved. Either
// change starts steps from 0.
DG_API int dg_loss_scale(int scale, int steps, int finite, int growth);
// What becomes of a step: log[number] = value, then counters += advance. value and log are float32, counters and advance int32 of
// one size; the last counter is the number, and one outside the log is not written there.
DG_API int dg_note(int value, int log, int counters, int advance);
#ifdef __cplusplus
}
#endif
#endif
