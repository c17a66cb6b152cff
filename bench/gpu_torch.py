"""How fast is PyTorch at the work of gpu_dinograd.ts on this GPU? Prints figures as JSON: by the same names, in the same units.

    python3 bench/gpu_torch.py '<sizes, as gpu_dinograd.ts prints them>'

Times are those of CUDA events. "replayed" is a CUDA graph, "eager" and "call" are PyTorch as it comes. float32 matrix products
are exact, "tf32" ones may round their factors. Where there is no PyTorch that sees a GPU, it prints why.
"""

import json
import statistics
import sys

try:
    import torch
except ImportError as error:
    print(json.dumps({"absent": str(error)}))
    sys.exit()
if not torch.cuda.is_available():
    print(json.dumps({"absent": f"PyTorch {torch.__version__} sees no GPU"}))
    sys.exit()

SIZES = json.loads(sys.argv[1])
BATCH = 32
figures = {}


def seconds_of(run, times):
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(times):
        run()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / 1000


def measure(run):
    """Seconds per run: the median of the rounds."""
    times = 1
    while seconds_of(run, times) < SIZES["roundSeconds"]:
        times *= 2
    return statistics.median(seconds_of(run, times) / times for _ in range(SIZES["rounds"]))


def recorded(run):
    """The work of run() as a CUDA graph, after the warm-up that capturing asks for."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            run()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph.replay


def bandwidths():
    count, width = SIZES["bytes"] // 4, 1024
    x, y, b = (torch.randn(count) for _ in range(3))
    weights = torch.nn.Parameter(torch.randn(count))
    weights.grad = x
    adam = torch.optim.Adam([weights], fused=True)
    rows = x.view(-1, width)
    kernels = {
        "copy": (2, lambda: y.copy_(x)),
        "add": (3, lambda: torch.add(x, b, out=y)),
        "relu": (2, lambda: torch.relu(x)),
        "softmax": (2, lambda: torch.softmax(rows, dim=1)),
        "adam": (7, adam.step),
    }
    for name, (passes, run) in kernels.items():
        figures[name] = passes * SIZES["bytes"] / measure(run) / 1e9


def matrix_products():
    for product in SIZES["gemm"]:
        kind, n = product["type"], product["n"]
        dtype = torch.bfloat16 if kind == "bfloat16" else torch.float32
        torch.backends.cuda.matmul.allow_tf32 = kind == "tf32"
        a, b, y = (torch.randn(n, n, dtype=dtype) for _ in range(3))
        figures[f"gemm_{kind}_{n}"] = 2 * n**3 / measure(lambda: torch.mm(a, b, out=y)) / 1e9
    torch.backends.cuda.matmul.allow_tf32 = False


def convolutions():
    torch.backends.cudnn.benchmark = True
    for conv in SIZES["conv"]:
        batch, size, inner, outer = conv["batch"], conv["size"], conv["inChannels"], conv["outChannels"]
        window, stride = conv["window"], conv["stride"]
        out, padding = -(-size // stride), window // 2
        operations = 2 * batch * out**2 * window**2 * inner * outer
        for kind in ("tf32", "bfloat16"):
            torch.backends.cudnn.allow_tf32 = kind == "tf32"
            shapes = ((batch, inner, size, size), (outer, inner, window, window), (batch, outer, out, out))
            dtype = torch.bfloat16 if kind == "bfloat16" else torch.float32
            x, w, dy = (torch.randn(s, dtype=dtype).to(memory_format=torch.channels_last) for s in shapes)

            def gradient(of_input):
                return torch.ops.aten.convolution_backward(
                    dy, x, w, None, (stride, stride), (padding, padding), (1, 1), False, (0, 0), 1,
                    (of_input, not of_input, False),
                )

            directions = {
                "forward": lambda: torch.nn.functional.conv2d(x, w, stride=stride, padding=padding),
                "input": lambda: gradient(True),
                "filter": lambda: gradient(False),
            }
            for name, run in directions.items():
                figures[f"conv_{kind}_{inner}_{outer}_{size}_{name}"] = operations / measure(run) / 1e9
    torch.backends.cudnn.allow_tf32 = False


def launches():
    x, chain = torch.randn(16), 100

    def adds():
        y = x
        for _ in range(chain):
            y = y + x

    figures["call"] = measure(lambda: x + x) * 1e6
    figures["replay"] = measure(recorded(adds)) / chain * 1e6


def step_microseconds(model, loss_of, inputs, targets, steps, graph):
    """Steps over data on the device in a given order, each loss kept: what dinograd's fit does."""
    samples = BATCH * steps
    x, y = torch.rand(samples, inputs), targets(samples)
    order, places = torch.randperm(samples), torch.arange(BATCH)
    position, number = torch.zeros(1, dtype=torch.long), torch.zeros(1, dtype=torch.long)
    losses = torch.zeros(samples)
    adam = torch.optim.Adam(model.parameters(), fused=True, capturable=graph)

    def step():
        rows = order[position + places]
        loss = loss_of(model(x[rows]), y[rows])
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()
        losses.index_copy_(0, number, loss.detach().view(1))
        position.add_(BATCH)
        number.add_(1)

    run = recorded(step) if graph else step

    def epoch():
        position.zero_()
        number.zero_()
        for _ in range(steps):
            run()

    epoch()
    return statistics.median(seconds_of(epoch, 1) for _ in range(SIZES["rounds"])) / steps * 1e6


def training():
    nn = torch.nn
    models = {
        "mlp": (
            lambda: nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1)),
            nn.functional.mse_loss,
            10,
            lambda n: torch.randn(n, 1),
        ),
        "mnist": (
            lambda: nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)),
            nn.functional.cross_entropy,
            784,
            lambda n: torch.randint(10, (n,)),
        ),
    }
    for name, (make, loss_of, inputs, targets) in models.items():
        for how, steps in (("replayed", SIZES["steps"]), ("eager", SIZES["eagerSteps"])):
            time = step_microseconds(make(), loss_of, inputs, targets, steps, graph=how == "replayed")
            figures[f"{name}_{how}"] = time


torch.set_default_device("cuda")
bandwidths()
matrix_products()
convolutions()
launches()
training()
print(json.dumps({"version": torch.__version__, "figures": figures}))
