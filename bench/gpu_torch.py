"""How fast is PyTorch at the work of gpu_dinograd.ts on this GPU? Prints figures as JSON: by the same names, in the same units.

    python3 bench/gpu_torch.py '<sizes, as gpu_dinograd.ts prints them>'

Times are those of CUDA events. "replayed" is a CUDA graph, "eager" and "call" are PyTorch as it comes. float32 matrix products
are exact, "tf32" ones may round their factors. "compiled" is a CUDA graph of what torch.compile made, for as many models as there
is time for. Where there is no PyTorch that sees a GPU, it prints why.
"""

import json
import statistics
import sys
import time

try:
    import torch
except ImportError as error:
    print(json.dumps({"absent": str(error)}))
    sys.exit()
if not torch.cuda.is_available():
    print(json.dumps({"absent": f"PyTorch {torch.__version__} sees no GPU"}))
    sys.exit()

SIZES = json.loads(sys.argv[1])
BEGAN = time.monotonic()
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
    logits, classes = rows.detach().requires_grad_(), torch.zeros(count // width, dtype=torch.long)

    def cross_entropy():
        torch.autograd.grad(torch.nn.functional.cross_entropy(logits, classes), logits)

    kernels = {
        "copy": (2, lambda: y.copy_(x)),
        "add": (3, lambda: torch.add(x, b, out=y)),
        "relu": (2, lambda: torch.relu(x)),
        "layer_norm": (2, lambda: torch.nn.functional.layer_norm(rows, (width,))),
        "cross_entropy": (2, cross_entropy),
        "softmax": (2, lambda: torch.softmax(rows, dim=1)),
        "adam": (7, adam.step),
    }
    for name, (passes, run) in kernels.items():
        figures[name] = passes * SIZES["bytes"] / measure(run) / 1e9


def matrix_products():
    for product in SIZES["gemm"]:
        kind, n = product["type"], product["n"]
        dtype = torch.bfloat16 if kind == "bfloat16" else torch.float32
        torch.backends.cuda.matmul.allow_tf32 = kind == "tf32"  # products of three are set beside exact ones
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


class Lstm(torch.nn.Module):
    """The last state of an LSTM, of tokens where there are some."""

    def __init__(self, tokens, inputs, units):
        super().__init__()
        self.embedding = torch.nn.Embedding(tokens, inputs) if tokens else torch.nn.Identity()
        self.lstm = torch.nn.LSTM(inputs, units, batch_first=True)

    def forward(self, x):
        return self.lstm(self.embedding(x))[0][:, -1]


def cnn():
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 64, 3), nn.ReLU(), nn.Flatten(), nn.Linear(576, 64), nn.ReLU(), nn.Linear(64, 10),
    ).to(memory_format=torch.channels_last)


def tutorials():
    """Those of bench/models.ts that fit trains: model, loss, inputs of a sample, tokens, classes."""
    nn, f = torch.nn, torch.nn.functional
    return {
        "mlp": (
            lambda: nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1)),
            f.mse_loss, (10,), 0, 0,
        ),
        "cnn": (cnn, f.cross_entropy, (1, 28, 28), 0, 10),
        "lstm": (lambda: nn.Sequential(Lstm(0, 1, 64), nn.Linear(64, 1)), f.mse_loss, (10, 1), 0, 0),
        "text": (
            lambda: nn.Sequential(Lstm(5000, 256, 128), nn.Linear(128, 5000)), f.cross_entropy, (40,), 5000, 5000,
        ),
        "sentiment": (
            lambda: nn.Sequential(Lstm(10000, 256, 128), nn.Linear(128, 1)),
            f.binary_cross_entropy_with_logits, (100,), 10000, 0,
        ),
    }


def trained(make, loss_of, inputs, tokens, classes, batch, form):
    """Microseconds of a step over data on the device in a given order, each loss kept, as dinograd's fit does, and MiB at most."""
    steps = 32
    samples = batch * steps
    torch.cuda.reset_peak_memory_stats()
    x = torch.randint(tokens, (samples, *inputs)) if tokens else torch.randn(samples, *inputs)
    y = torch.randint(classes, (samples,)) if classes else torch.randint(2, (samples, 1)).float()
    order, places = torch.randperm(samples), torch.arange(batch)
    position, number = torch.zeros(1, dtype=torch.long), torch.zeros(1, dtype=torch.long)
    losses = torch.zeros(samples)
    model = make()
    adam = torch.optim.Adam(model.parameters(), fused=True, capturable=form != "eager")

    def loss_at(rows):
        return loss_of(model(x[rows]), y[rows])

    forward = torch.compile(loss_at) if form == "compiled" else loss_at

    def step():
        loss = forward(order[(position + places) % samples])
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()
        losses.index_copy_(0, number % samples, loss.detach().view(1))
        position.add_(batch)
        number.add_(1)

    seconds = measure(step if form == "eager" else recorded(step))
    return seconds * 1e6, torch.cuda.max_memory_allocated() / 2**20


def adversarial(batch, form):
    """The same of a step of bench/models.ts' generator and discriminator."""
    nn, f = torch.nn, torch.nn.functional
    torch.cuda.reset_peak_memory_stats()
    generator = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 784), nn.Tanh())
    discriminator = nn.Sequential(nn.Linear(784, 128), nn.LeakyReLU(0.3), nn.Linear(128, 1))
    made, judged = (list(model.parameters()) for model in (generator, discriminator))
    adams = [torch.optim.Adam(p, fused=True, capturable=form != "eager") for p in (made, judged)]
    real, yes = torch.rand(batch, 784) * 2 - 1, torch.ones(batch, 1)
    labels = torch.cat([yes, torch.zeros(batch, 1)])

    def learn(parameters, adam, images, wanted):
        loss = f.binary_cross_entropy_with_logits(discriminator(images), wanted)
        for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters)):
            parameter.grad = gradient
        adam.step()

    def step():
        z = torch.randn(batch, 64)
        with torch.no_grad():
            images = torch.cat([real, generator(z)])
        learn(judged, adams[1], images, labels)
        learn(made, adams[0], generator(z), yes)

    seconds = measure(step if form == "eager" else recorded(step))
    return seconds * 1e6, torch.cuda.max_memory_allocated() / 2**20


def training():
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    models = tutorials()
    works = {name: lambda batch, form, model=model: trained(*model, batch, form) for name, model in models.items()}
    works["gan"] = adversarial
    for name, work in works.items():
        for batch in SIZES["batches"]:
            id = f"{name}_{batch}"
            figures[id], figures[f"{id}_memory"] = work(batch, "replayed")
            figures[f"{id}_eager"], _ = work(batch, "eager")
    # Compiling takes long: it comes last, and a model that it fails for has no such figure.
    for name in models:
        if time.monotonic() - BEGAN > SIZES["compileUntil"]:
            break
        try:
            figures[f"{name}_{SIZES['compiledBatch']}_compiled"], _ = works[name](SIZES["compiledBatch"], "compiled")
        except Exception as error:
            print(f"torch.compile of {name}: {error}", file=sys.stderr)


def recurrent_layers():
    sizes = SIZES["lstm"]
    for units in sizes["units"]:
        for batch in sizes["batches"]:
            layer = torch.nn.LSTM(units, units, batch_first=True)
            x = torch.randn(batch, sizes["steps"], units)

            def run():
                layer.zero_grad(set_to_none=True)
                layer(x)[0].sum().backward()

            figures[f"lstm_{units}_{batch}"] = measure(run) * 1e6


torch.set_default_device("cuda")
bandwidths()
matrix_products()
convolutions()
launches()
recurrent_layers()
training()
print(json.dumps({"version": torch.__version__, "figures": figures}))
