"""What people write in plain PyTorch: sequences, sets, graphs, flows, experts, and other types of numbers."""
import math

import torch
from torch import nn
from torch.nn import functional as F

from cases import add, generator, net, score


def bunch(name, make, *inputs, names=None, **options):
    add(name, make, inputs, names or ("x", "y", "z", "u", "v")[: len(inputs)], **{"dynamic": tuple(range(len(inputs))), **options})


def randn(name, *shape):
    return torch.randn(*shape, generator=generator(name))


def ints(name, high, *shape):
    return torch.randint(0, high, shape, generator=generator(name))


# ----------------------------------------------------------------------------------------------------------------------- sequences
class WaveNet(nn.Module):
    def __init__(self, c=6):
        super().__init__()
        self.inp, self.out = nn.Conv1d(2, c, 1), nn.Conv1d(c, 3, 1)
        self.filters, self.gates, self.skips = (nn.ModuleList(nn.Conv1d(c, c, k, dilation=2**i if k == 2 else 1) for i in range(3)) for k in (2, 2, 1))

    def forward(self, x):
        x, total = self.inp(x), 0
        for i, (f, g, s) in enumerate(zip(self.filters, self.gates, self.skips)):
            p = F.pad(x, (2**i, 0))
            y = s(torch.tanh(f(p)) * torch.sigmoid(g(p)))
            x, total = x + y, total + y
        return self.out(F.relu(total))


net("wavenet", WaveNet, (3, 2, 12), train=True)


class Chomp(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.n = n

    def forward(self, x):
        return x[:, :, : -self.n].contiguous()


def tcn(i, o, d):
    wn = nn.utils.parametrizations.weight_norm
    return nn.Sequential(wn(nn.Conv1d(i, o, 3, padding=2 * d, dilation=d)), Chomp(2 * d), nn.ReLU(), nn.Dropout(0.1))


net("tcn", lambda: nn.Sequential(tcn(2, 5, 1), tcn(5, 5, 2), tcn(5, 4, 4)), (3, 2, 14), train=True)


class Recurrent(nn.Module):
    def __init__(self, kind, classes=4, state=False, last="time", **options):
        super().__init__()
        self.embed, self.rnn = nn.Embedding(11, 5), kind(5, 6, **options)
        self.first, self.last, self.state = options.get("batch_first", False), last, state
        self.fc = nn.Linear(6 * (2 if options.get("bidirectional") else 1), classes)
        if options.get("proj_size"):
            self.fc = nn.Linear(options["proj_size"], classes)

    def forward(self, ids, y):
        x = self.embed(ids if self.first else ids.t())
        out, h = self.rnn(x)
        if self.last == "state":
            h = h[0] if isinstance(h, tuple) else h
            picked = torch.cat([h[-2], h[-1]], 1) if self.rnn.bidirectional else h[-1]
        elif self.last == "mean":
            picked = out.mean(1 if self.first else 0)
        else:
            picked = out[:, -1] if self.first else out[-1]
        return F.cross_entropy(self.fc(picked), y)


ids, y = ints("ids", 11, 4, 7), ints("y", 4, 4)
for kind in (nn.LSTM, nn.GRU, nn.RNN):
    for label, options in {
        "": {}, "_first": {"batch_first": True}, "_two": {"num_layers": 2, "batch_first": True}, "_both": {"bidirectional": True, "batch_first": True, "last": "mean"}, "_state": {"last": "state", "bidirectional": True},
        "_nobias": {"bias": False, "last": "state"}, **({"_relu": {"nonlinearity": "relu"}} if kind is nn.RNN else {}),
    }.items():
        bunch(f"{kind.__name__.lower()}{label}", lambda kind=kind, options=options: Recurrent(kind, **options), ids, y, train=label == "_first")


class Packed(nn.Module):
    """Sequences of several lengths."""

    def __init__(self, kind=nn.LSTM):
        super().__init__()
        self.rnn, self.fc = kind(5, 6, batch_first=True, bidirectional=True), nn.Linear(12, 3)

    def forward(self, x, lengths):
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
        out, _ = nn.utils.rnn.pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        return score(self.fc(out))


bunch("lstm_packed", Packed, randn("packed", 4, 7, 5), torch.tensor([7, 5, 4, 2]), skip=("dynamo",), dynamic=())
bunch("gru_packed", lambda: Packed(nn.GRU), randn("packed", 4, 7, 5), torch.tensor([7, 5, 4, 2]), skip=("dynamo",), dynamic=())


class Cells(nn.Module):
    """Steps written out by hand, with the state given."""

    def __init__(self):
        super().__init__()
        self.lstm, self.gru, self.rnn = nn.LSTMCell(3, 4), nn.GRUCell(4, 5), nn.RNNCell(5, 4)
        self.h0, self.c0 = nn.Parameter(torch.zeros(1, 4)), nn.Parameter(torch.zeros(1, 4))

    def forward(self, x):
        n = x.shape[0]
        h, c, g, r = self.h0.expand(n, -1), self.c0.expand(n, -1), x.new_zeros(n, 5), x.new_zeros(n, 4)
        total = 0
        for t in range(x.shape[1]):
            h, c = self.lstm(x[:, t], (h, c))
            g = self.gru(h, g)
            r = self.rnn(g, r)
            total = total + r.pow(2).mean() + g.mean()
        return total


bunch("cells", Cells, randn("cells", 3, 4, 3))


class Stateful(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.gru, self.init = nn.LSTM(3, 4, 2), nn.GRU(4, 4), nn.Linear(5, 8)

    def forward(self, x, z):
        h0 = torch.tanh(self.init(z)).view(z.shape[0], 2, 4).transpose(0, 1).contiguous()
        y, (h, c) = self.lstm(x.transpose(0, 1), (h0, h0 * 0.5))
        y, g = self.gru(y, h[-1:])
        return score([y, c, g])


bunch("lstm_initial", Stateful, randn("s1", 3, 5, 3), randn("s2", 3, 5))


class ConvLstm(nn.Module):
    def __init__(self, c=4):
        super().__init__()
        self.c, self.gates = c, nn.Conv2d(2 + c, 4 * c, 3, padding=1)

    def forward(self, x):
        h = c = torch.zeros(x.shape[0], self.c, *x.shape[3:], dtype=x.dtype)
        for t in range(3):
            i, f, o, g = self.gates(torch.cat([x[:, t], h], 1)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return score(h)


bunch("conv_lstm", ConvLstm, randn("cl", 2, 3, 2, 5, 4))


class Seq2Seq(nn.Module):
    """GRU encoder, additive attention, teacher forcing."""

    def __init__(self):
        super().__init__()
        self.embed, self.enc, self.cell, self.w, self.v, self.out = nn.Embedding(9, 5), nn.GRU(5, 6, batch_first=True), nn.GRUCell(11, 6), nn.Linear(12, 6), nn.Linear(6, 1, bias=False), nn.Linear(6, 9)

    def forward(self, src, tgt):
        memory, h = self.enc(self.embed(src))
        h, losses = h[0], []
        for t in range(3):
            a = self.v(torch.tanh(self.w(torch.cat([memory, h.unsqueeze(1).expand(-1, memory.shape[1], -1)], -1)))).squeeze(-1)
            a = a.masked_fill(src == 0, float("-inf")).softmax(-1)
            context = torch.bmm(a.unsqueeze(1), memory).squeeze(1)
            h = self.cell(torch.cat([self.embed(tgt[:, t]), context], -1), h)
            losses.append(F.cross_entropy(self.out(h), tgt[:, t + 1], ignore_index=0))
        return torch.stack(losses).mean()


bunch("seq2seq", Seq2Seq, ints("src", 9, 3, 6), ints("tgt", 8, 3, 4) + 1)


class TextCnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.convs, self.fc = nn.Embedding(11, 6, padding_idx=0), nn.ModuleList(nn.Conv1d(6, 4, k) for k in (2, 3, 4)), nn.Linear(12, 4)

    def forward(self, ids, y):
        x = self.embed(ids).transpose(1, 2)
        return F.cross_entropy(self.fc(torch.cat([F.relu(c(x)).max(dim=2).values for c in self.convs], 1)), y)


bunch("text_cnn", TextCnn, ids, y, train=True)


class Bag(nn.Module):
    def __init__(self, mode):
        super().__init__()
        self.bag, self.fc = nn.EmbeddingBag(11, 5, mode=mode), nn.Linear(5, 4)

    def forward(self, ids, y):
        return F.cross_entropy(self.fc(self.bag(ids)), y)


for mode in ("sum", "mean", "max"):
    bunch(f"embedding_bag_{mode}", lambda mode=mode: Bag(mode), ids, y, dynamic=())


class Minimal(nn.Module):
    """Linear recurrences as cumulative sums in log space (minGRU), and an SSM by its kernel."""

    def __init__(self):
        super().__init__()
        self.z, self.h, self.a, self.b, self.c = nn.Linear(3, 4), nn.Linear(3, 4), nn.Parameter(torch.rand(4) * 0.5 + 0.3), nn.Parameter(torch.randn(4)), nn.Parameter(torch.randn(4))

    def forward(self, x):
        k = self.z(x)
        coefficients, values = -F.softplus(k), -F.softplus(-k) + torch.where(self.h(x) >= 0, (F.relu(self.h(x)) + 0.5).log(), -F.softplus(-self.h(x)))
        star = F.pad(torch.cumsum(coefficients, dim=1), (0, 0, 1, 0))
        values = F.pad(values, (0, 0, 1, 0), value=-5.0)
        hidden = torch.exp(star + (values - star).exp().cumsum(1).log())
        kernel = (self.c * self.b * self.a ** torch.arange(6, dtype=x.dtype)[:, None]).sum(1)
        y = F.conv1d(F.pad(x.transpose(1, 2), (5, 0)), kernel.flip(0).view(1, 1, 6).repeat(3, 1, 1), groups=3)
        return score([hidden, y])


bunch("min_gru_ssm", Minimal, randn("mg", 3, 6, 3))


class TransformerPair(nn.Module):
    def __init__(self):
        super().__init__()
        self.t, self.src, self.tgt = nn.Transformer(8, 2, 1, 1, 16, batch_first=True, dropout=0.0), nn.Linear(3, 8), nn.Linear(2, 8)

    def forward(self, a, b):
        return score(self.t(self.src(a), self.tgt(b), tgt_mask=nn.Transformer.generate_square_subsequent_mask(4)))


bunch("transformer", TransformerPair, randn("t1", 3, 5, 3), randn("t2", 3, 4, 2))


class Heads(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.MultiheadAttention(8, 2, kdim=6, vdim=5, batch_first=True), nn.MultiheadAttention(8, 4, add_bias_kv=True)

    def forward(self, q, k, v):
        mask = (torch.arange(k.shape[1]) > 3).expand(k.shape[0], -1)
        y, w = self.a(q, k, v, key_padding_mask=mask)
        z, w2 = self.b(y, q, q, average_attn_weights=False)
        return score([y, w, z, w2])


bunch("multihead", Heads, randn("q", 3, 4, 8), randn("k", 3, 5, 6), randn("v", 3, 5, 5), dynamic=())


# ------------------------------------------------------------------------------------------------------------------ sets and graphs
class DeepSets(nn.Module):
    def __init__(self):
        super().__init__()
        self.phi, self.rho, self.q, self.seed = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 6)), nn.Linear(18, 3), nn.Linear(6, 1), nn.Parameter(torch.randn(1, 2, 6))
        self.pool = nn.MultiheadAttention(6, 2, batch_first=True)

    def forward(self, x, mask):
        h = self.phi(x)
        m = mask.unsqueeze(-1).to(h.dtype)
        mean = (h * m).sum(1) / m.sum(1).clamp(min=1)
        top = h.masked_fill(m == 0, -1e9).max(1).values
        a = torch.softmax(self.q(h).squeeze(-1).masked_fill(mask == 0, -1e9), -1)
        pooled, _ = self.pool(self.seed.expand(x.shape[0], -1, -1), h, h)
        return score([self.rho(torch.cat([mean, top, torch.einsum("bn,bnd->bd", a, h)], -1)), pooled])


bunch("deep_sets", DeepSets, randn("set", 4, 5, 3), torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 0, 0, 0, 0], [1, 1, 0, 0, 0]]))


class GraphNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.msg, self.upd, self.att, self.out = nn.Linear(8, 6), nn.GRUCell(6, 4), nn.Linear(8, 1), nn.Linear(4, 2)

    def forward(self, x, edges):
        src, dst = edges[0], edges[1]
        n = x.shape[0]
        pair = torch.cat([x[src], x.index_select(0, dst)], -1)
        a = F.leaky_relu(self.att(pair), 0.2).squeeze(-1)
        top = torch.full((n,), -1e9).to(a.dtype).scatter_reduce(0, dst, a, "amax")
        e = (a - top[dst]).exp()
        norm = torch.zeros(n, dtype=x.dtype).scatter_add(0, dst, e)
        m = self.msg(pair) * (e / (norm[dst] + 1e-9)).unsqueeze(-1)
        total = torch.zeros(n, 6, dtype=x.dtype).index_add(0, dst, m)
        degree = torch.zeros(n, dtype=x.dtype).index_add(0, dst, torch.ones_like(e)).clamp(min=1)
        x = self.upd(total / degree.unsqueeze(-1), x)
        return score(self.out(x))


bunch("graph_net", GraphNet, randn("nodes", 6, 4), torch.tensor([[0, 1, 2, 3, 3, 5, 5], [1, 0, 1, 1, 4, 2, 4]]), dynamic=())


class Gcn(nn.Module):
    def __init__(self):
        super().__init__()
        self.w1, self.w2 = nn.Linear(4, 5), nn.Linear(5, 3)

    def forward(self, x, adj):
        a = adj + torch.eye(adj.shape[-1])
        d = a.sum(-1).pow(-0.5)
        a = d.unsqueeze(-1) * a * d.unsqueeze(-2)
        return score(a @ self.w2(F.relu(a @ self.w1(x))))


bunch("gcn", Gcn, randn("gx", 3, 5, 4), (randn("ga", 3, 5, 5) > 0).float())


class PointNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.b1, self.c2, self.t, self.fc = nn.Conv1d(3, 8, 1), nn.BatchNorm1d(8), nn.Conv1d(8, 12, 1), nn.Linear(12, 9), nn.Linear(12, 4)

    def forward(self, x, y):
        h = torch.max(self.c2(F.relu(self.b1(self.c1(x)))), 2, keepdim=True)[0].view(-1, 12)
        t = self.t(h).view(-1, 3, 3) + torch.eye(3).view(1, 9).repeat(x.size(0), 1).view(-1, 3, 3)
        z = torch.bmm(x.transpose(2, 1), t).transpose(2, 1)
        near = torch.cdist(z.transpose(1, 2), z.transpose(1, 2) + 0.1).topk(3, largest=False)[0].mean()
        return F.cross_entropy(self.fc(torch.max(self.c2(F.relu(self.b1(self.c1(z)))), 2)[0]), y) + 0.1 * near


bunch("point_net", PointNet, randn("pts", 4, 3, 9), y, train=True)


# ------------------------------------------------------------------------------------------------------------------- other shapes
class Capsules(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.w = nn.Conv2d(1, 8, 5, 2), nn.Parameter(torch.randn(1, 32, 3, 5, 4) * 0.2)

    def squash(self, s):
        n = (s**2).sum(-1, keepdim=True)
        return n / (1 + n) * s / (n.sqrt() + 1e-8)

    def forward(self, x, y):
        u = self.squash(self.conv(x).view(x.shape[0], -1, 4))
        u = u[:, :32]
        hat = (self.w @ u[:, :, None, :, None]).squeeze(-1)
        b = torch.zeros(x.shape[0], 32, 3, 1, dtype=x.dtype)
        for k in range(3):
            v = self.squash((b.softmax(2) * hat).sum(1, keepdim=True))
            if k < 2:
                b = b + (hat * v).sum(-1, keepdim=True)
        n = v.squeeze(1).norm(dim=-1)
        hot = torch.eye(3).to(x.dtype).index_select(0, y)
        return (hot * F.relu(0.9 - n) ** 2 + 0.5 * (1 - hot) * F.relu(n - 0.1) ** 2).sum(1).mean()


bunch("capsules", Capsules, randn("caps", 3, 1, 12, 12), torch.tensor([0, 2, 1]))


class Coupling(nn.Module):
    """A normalising flow: actnorm, invertible 1×1, affine coupling, log-determinants, a Gaussian at the end."""

    def __init__(self):
        super().__init__()
        self.s, self.b, self.w, self.net = nn.Parameter(torch.ones(4)), nn.Parameter(torch.zeros(4)), nn.Parameter(torch.eye(4)), nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 4))

    def forward(self, x):
        x = (x + self.b) * self.s
        log = self.s.abs().log().sum() + torch.det(self.w).abs().log()
        a, b = (x @ self.w).chunk(2, 1)
        s, t = self.net(a).chunk(2, 1)
        s = torch.sigmoid(s + 2)
        z = torch.cat([a, (b + t) * s], 1)
        return -(log + s.log().sum(1) - 0.5 * (z**2 + math.log(2 * math.pi)).sum(1)).mean()


bunch("flow", Coupling, randn("flow", 5, 4))


class Spline(nn.Module):
    """Piecewise interpolation: buckets by comparison, gathers by index."""

    def __init__(self):
        super().__init__()
        self.net = nn.Linear(2, 12)

    def forward(self, x):
        w = torch.softmax(self.net(x[:, :2]).view(-1, 2, 6), -1)
        edges = F.pad(torch.cumsum(w, -1), (1, 0))
        at = torch.sigmoid(x[:, 2:])
        index = ((at[..., None] >= edges).sum(-1) - 1).clamp(0, 5)[..., None]
        low, width = edges.gather(-1, index)[..., 0], w.gather(-1, index)[..., 0]
        z = (at - low) / width
        return score([z, width.log()])


bunch("spline", Spline, randn("spline", 5, 4))


class Mixture(nn.Module):
    """Mixture density, and a Gaussian with a full covariance by its Cholesky factor."""

    def __init__(self):
        super().__init__()
        self.body, self.pi, self.mu, self.sigma, self.tri = nn.Sequential(nn.Linear(3, 8), nn.Tanh()), nn.Linear(8, 4), nn.Linear(8, 4), nn.Linear(8, 4), nn.Linear(8, 4)

    def forward(self, x, y):
        h = self.body(x)
        log = F.log_softmax(self.pi(h), -1) - 0.5 * ((y - self.mu(h)) / self.sigma(h).exp()) ** 2 - self.sigma(h) - 0.5 * math.log(2 * math.pi)
        l = self.tri(h).view(-1, 2, 2).tril() + 1.5 * torch.eye(2)
        z = (l @ torch.cat([y, y**2], 1).unsqueeze(-1)).squeeze(-1)
        return -torch.logsumexp(log, -1).mean() + (z**2).mean() - torch.diagonal(l, dim1=1, dim2=2).abs().log().sum(-1).mean()


bunch("mixture_density", Mixture, randn("mdn", 5, 3), randn("mdny", 5, 1))


class Ode(nn.Module):
    def __init__(self):
        super().__init__()
        self.f, self.out = nn.Sequential(nn.Linear(4, 6), nn.Softplus(), nn.Linear(6, 3)), nn.Linear(3, 2)

    def forward(self, x):
        d = lambda t, z: self.f(torch.cat([z, torch.full_like(z[:, :1], t)], 1))
        h = 0.25
        for k in range(4):
            t = k * h
            k1 = d(t, x)
            k2 = d(t + h / 2, x + h / 2 * k1)
            k3 = d(t + h / 2, x + h / 2 * k2)
            k4 = d(t + h, x + h * k3)
            x = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return score(self.out(x))


bunch("neural_ode", Ode, randn("ode", 4, 3))


class Hyper(nn.Module):
    def __init__(self):
        super().__init__()
        self.h, self.scale = nn.Linear(3, 4 * 5 + 5), nn.Parameter(torch.ones(5))

    def forward(self, x, z):
        w, b = self.h(z).split([20, 5], 1)
        y = torch.baddbmm(b.unsqueeze(1), x, w.view(-1, 4, 5)) * self.scale
        return score(F.conv1d(y.reshape(1, -1, 5), self.h.weight[:1].reshape(1, 1, 3).repeat(1, y.shape[0] * y.shape[1], 1)))


bunch("hypernet", Hyper, randn("hx", 3, 2, 4), randn("hz", 3, 3), dynamic=())


class Experts(nn.Module):
    """Soft top-2 routing over all experts, and a switch by one-hot."""

    def __init__(self):
        super().__init__()
        self.gate, self.w1, self.w2 = nn.Linear(4, 3), nn.Parameter(torch.randn(3, 4, 6) * 0.4), nn.Parameter(torch.randn(3, 6, 4) * 0.4)

    def forward(self, x):
        p = self.gate(x).softmax(-1)
        top, at = p.topk(2, dim=-1)
        top = top / top.sum(-1, keepdim=True)
        w = torch.zeros_like(p).scatter(-1, at, top)
        y = torch.einsum("beo,be->bo", torch.einsum("beh,eho->beo", F.gelu(torch.einsum("bi,eih->beh", x, self.w1)), self.w2), w)
        load = F.one_hot(at[:, 0], 3).to(x.dtype).mean(0)
        return score(y) + 3 * (load * p.mean(0)).sum()


bunch("experts", Experts, randn("moe", 5, 4))


class Memory(nn.Module):
    """NTM-like addressing: cosine, interpolation, circular shift, sharpening."""

    def __init__(self):
        super().__init__()
        self.memory, self.key, self.gates, self.shift = nn.Parameter(torch.randn(6, 4)), nn.Linear(3, 4), nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, x):
        k, g = torch.tanh(self.key(x)), self.gates(x)
        w = F.softmax(F.softplus(g[:, :1]) * F.cosine_similarity(self.memory.unsqueeze(0) + 1e-16, k.unsqueeze(1) + 1e-16, dim=-1), dim=1)
        s = F.softmax(self.shift(x), dim=1)
        w = sum(torch.roll(w, i - 1, 1) * s[:, i : i + 1] for i in range(3))
        w = w ** (1 + F.softplus(g[:, 2:]))
        w = w / (w.sum(1, keepdim=True) + 1e-16)
        return score(w @ self.memory)


bunch("memory", Memory, randn("ntm", 4, 3), skip=("ts16", "ts17", "ts20t", "dy20", "dy21"))  # folding takes its parameter apart


class Nerf(nn.Module):
    """Positional encoding, densities to colours along a ray."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(15, 8), nn.ReLU(), nn.Linear(8, 4))

    def forward(self, origin, direction):
        z = torch.linspace(0.5, 2.5, 6)
        pts = origin[:, None] + direction[:, None] * z[:, None]
        enc = torch.cat([pts, *[f(pts * 2.0**k) for k in range(2) for f in (torch.sin, torch.cos)]], -1)
        raw = self.net(enc)
        dist = torch.cat([z[1:] - z[:-1], torch.tensor([1.0])]) * direction.norm(dim=-1, keepdim=True)
        alpha = 1 - torch.exp(-F.relu(raw[..., 3]) * dist)
        through = torch.exp(F.pad(torch.cumsum(torch.log(1 - alpha + 1e-6), -1)[:, :-1], (1, 0)))
        return score(((alpha * through)[..., None] * torch.sigmoid(raw[..., :3])).sum(1))


bunch("nerf", Nerf, randn("o", 4, 3), randn("d", 4, 3))


class Fourier(nn.Module):
    """A frequency layer by cosine matrices, and Kolmogorov–Arnold splines."""

    def __init__(self):
        super().__init__()
        n = 8
        t = torch.arange(n, dtype=torch.float32)
        self.register_buffer("dct", torch.cos(math.pi / n * (t[:, None] + 0.5) * t[None]))
        self.filter, self.coef, self.base = nn.Parameter(torch.randn(n)), nn.Parameter(torch.randn(8, 3, 5) * 0.3), nn.Linear(8, 3)
        self.register_buffer("knots", torch.linspace(-2, 2, 5))

    def forward(self, x):
        y = (x @ self.dct * self.filter) @ self.dct.t()
        basis = torch.exp(-((y.unsqueeze(-1) - self.knots) ** 2) / 0.5)
        return score(torch.einsum("bik,iok->bo", basis, self.coef) + self.base(F.silu(y)))


bunch("kan_dct", Fourier, randn("kan", 4, 8))


class Policy(nn.Module):
    """PPO's clipped objective, with entropy; a dueling value head."""

    def __init__(self):
        super().__init__()
        self.body, self.pi, self.v, self.log_std = nn.Sequential(nn.Linear(4, 8), nn.Tanh()), nn.Linear(8, 3), nn.Linear(8, 1), nn.Parameter(torch.zeros(2))

    def forward(self, x, a, old, adv, act):
        h = self.body(x)
        logits = self.pi(h)
        logp = logits.log_softmax(-1)
        ratio = (logp.gather(1, a[:, None]).squeeze(1) - old).exp()
        surr = torch.min(ratio * adv, ratio.clamp(0.8, 1.2) * adv).mean()
        entropy = -(logp.exp() * logp).sum(-1).mean()
        q = self.v(h) + logits - logits.mean(1, keepdim=True)
        gauss = -0.5 * ((act - h[:, :2]) / self.log_std.exp()) ** 2 - self.log_std - 0.919
        squash = (2 * (math.log(2.0) - act - F.softplus(-2 * act))).sum(-1)
        return -surr - 0.01 * entropy + F.smooth_l1_loss(q.max(1)[0], adv) - (gauss.sum(-1) - squash).mean() * 0.1


bunch("policy", Policy, randn("px", 5, 4), ints("pa", 3, 5), -torch.rand(5, generator=generator("old")) - 0.5, randn("adv", 5), randn("act", 5, 2))


class Recommend(nn.Module):
    """Factorisation machine, DLRM interactions, a deep and a wide part."""

    def __init__(self):
        super().__init__()
        self.emb, self.wide, self.dense, self.deep, self.cross = nn.ModuleList(nn.Embedding(n, 4) for n in (5, 7, 3)), nn.Embedding(15, 1), nn.Linear(3, 4), nn.Linear(16, 1), nn.Parameter(torch.randn(16) * 0.1)

    def forward(self, ids, x, y):
        e = torch.stack([m(ids[:, i]) for i, m in enumerate(self.emb)] + [self.dense(x)], 1)
        fm = 0.5 * (e.sum(1).pow(2) - e.pow(2).sum(1)).sum(1)
        z = torch.bmm(e, e.transpose(1, 2))
        i, j = torch.tril_indices(4, 4, -1)
        inter = z[:, i, j].sum(1)
        flat = e.flatten(1)
        crossed = flat * (flat @ self.cross).unsqueeze(1) + flat
        offset = torch.tensor([0, 5, 12])
        wide = self.wide(ids + offset).sum((1, 2))
        return F.binary_cross_entropy_with_logits(fm + inter + wide + self.deep(crossed).squeeze(1), y)


bunch("recommend", Recommend, torch.stack([ints("r0", 5, 6), ints("r1", 7, 6), ints("r2", 3, 6)], 1), randn("rx", 6, 3), ints("ry", 2, 6).float())


class TabNet(nn.Module):
    """Sparse choice of columns: ghost batch norm, GLU, sparsemax by sorting."""

    def __init__(self):
        super().__init__()
        self.bn, self.fc, self.att, self.out = nn.BatchNorm1d(6), nn.Linear(6, 8), nn.Linear(4, 6), nn.Linear(4, 2)

    def sparsemax(self, z):
        s, _ = z.sort(dim=-1, descending=True)
        c = s.cumsum(-1) - 1
        k = torch.arange(1, 7, dtype=z.dtype)
        support = (k * s > c).sum(-1, keepdim=True)
        tau = c.gather(-1, support - 1) / support.to(z.dtype)
        return torch.clamp(z - tau, min=0)

    def forward(self, x):
        x = self.bn(x)
        h = F.glu(self.fc(x))
        m = self.sparsemax(self.att(h))
        return score(self.out(F.glu(self.fc(x * m)))) + (m * torch.log(m + 1e-5)).sum(1).mean()


bunch("tabnet", TabNet, randn("tab", 5, 6), train=True)


class Forest(nn.Module):
    """A soft decision tree, and the Sinkhorn matching of two sets."""

    def __init__(self):
        super().__init__()
        self.split, self.leaf, self.a = nn.Linear(4, 7), nn.Parameter(torch.randn(8, 3)), nn.Linear(4, 5)

    def forward(self, x):
        d = torch.sigmoid(self.split(x))
        mu = torch.ones(x.shape[0], 1, dtype=x.dtype)
        at = 0
        for level in range(3):
            p = d[:, at : at + 2**level]
            mu = torch.stack([mu * p, mu * (1 - p)], dim=2).view(x.shape[0], -1)
            at += 2**level
        log = self.a(x)
        for _ in range(4):
            log = log - torch.logsumexp(log, 0, keepdim=True)
            log = log - torch.logsumexp(log, 1, keepdim=True)
        return score([mu @ self.leaf, log.exp()])


bunch("forest_sinkhorn", Forest, randn("forest", 5, 4))


class Gumbel(nn.Module):
    """Given noise; hard forward, soft backward."""

    def __init__(self):
        super().__init__()
        self.fc, self.table = nn.Linear(4, 5), nn.Parameter(torch.randn(5, 3))

    def forward(self, x, u):
        soft = ((self.fc(x) - torch.log(-torch.log(u))) / 0.7).softmax(-1)
        hard = torch.zeros_like(soft).scatter(-1, soft.argmax(-1, keepdim=True), 1.0)
        return score((hard - soft + soft) @ self.table)


bunch("gumbel", Gumbel, randn("gum", 5, 4), torch.rand(5, 5, generator=generator("u")) * 0.9 + 0.05)


class Quantised(nn.Module):
    """Training with made-up rounding, by hand and by torch's own operator."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(2, 3, 3), nn.Linear(27, 2)

    def forward(self, x):
        w = self.conv.weight
        s = (w.abs().amax((1, 2, 3), keepdim=True) / 127)
        q = (w / s + ((w / s).round() - w / s)).clamp(-127, 127) * s
        y = F.relu(F.conv2d(x, q, self.conv.bias))
        y = torch.fake_quantize_per_tensor_affine(y, 0.02, 0, 0, 255)
        return score(self.fc(y.flatten(1)))


bunch("fake_quantised", Quantised, randn("fq", 3, 2, 5, 5))


class Lora(nn.Module):
    """Low-rank additions, tied weights, a frozen base."""

    def __init__(self):
        super().__init__()
        self.base, self.a, self.b, self.embed = nn.Linear(6, 6), nn.Parameter(torch.randn(2, 6)), nn.Parameter(torch.randn(6, 2)), nn.Embedding(9, 6)
        self.base.requires_grad_(False)
        self.head = nn.Linear(6, 9, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, ids):
        x = self.embed(ids)
        x = x + self.base(x) + F.linear(F.linear(x, self.a), self.b) * 0.5
        return F.cross_entropy(self.head(x)[:, :-1].reshape(-1, 9), ids[:, 1:].reshape(-1))


bunch("lora_tied", Lora, ints("lora", 9, 3, 5))


# ------------------------------------------------------------------------------------------------------------- other types of numbers
class Mixed(nn.Module):
    """Half-precision weights used in single precision."""

    def __init__(self):
        super().__init__()
        self.w, self.b, self.fc = nn.Parameter(torch.randn(4, 6).half()), nn.Parameter(torch.zeros(6, dtype=torch.float64)), nn.Linear(6, 3)

    def forward(self, x):
        return score(self.fc(torch.tanh(x @ self.w.float() + self.b.float())))


bunch("half_weights", Mixed, randn("half", 5, 4))


class Double(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.LayerNorm(6), nn.Linear(6, 3), nn.Softmax(-1)).double()

    def forward(self, x):
        return score(self.net(x))


bunch("double", Double, randn("double", 5, 4).double())


class Whole(nn.Module):
    """Whole numbers in: features, codes, masks, lengths."""

    def __init__(self):
        super().__init__()
        self.fc, self.table = nn.Linear(3, 4), nn.Embedding(6, 4)

    def forward(self, x, code, n):
        h = self.fc(x.float() / 255 - 0.5) + self.table(code.long())
        steps = torch.arange(5)[None] < n[:, None]
        return score((h.unsqueeze(1) * steps.unsqueeze(-1).to(h.dtype)).sum(1) / n.unsqueeze(1))


bunch("whole_inputs", Whole, ints("u8", 256, 4, 3).to(torch.uint8), ints("i32", 6, 4).to(torch.int32), torch.tensor([5, 3, 1, 2]))
