"""Functions of torch and torch.nn.functional, each on its own."""
import math

import torch
from torch import nn
from torch.nn import functional as F

from cases import add, fn

ids = torch.tensor
# ------------------------------------------------------------------------------------------------------------ element by element
for name in ("abs", "neg", "exp", "expm1", "sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "asinh", "erf", "erfc", "sigmoid", "square",
             "sign", "floor", "ceil", "round", "trunc", "frac", "exp2", "deg2rad", "sinc", "relu"):
    fn(name, getattr(torch, name))
for name in ("log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal"):
    fn(name, getattr(torch, name), positive=True)
fn("asin", lambda z: torch.asin(z * 0.2))
fn("acos", lambda z: torch.acos(z * 0.2))
fn("atanh", lambda z: torch.atanh(z * 0.2))
fn("acosh", lambda z: torch.acosh(z + 1.2), positive=True)
fn("logit", lambda z: torch.logit(torch.sigmoid(z), eps=1e-6))
fn("clamp", lambda z: z.clamp(-0.5, 0.8))
fn("clamp_min", lambda z: z.clamp(min=0.1))
fn("clamp_tensor", lambda z, w: torch.clamp(z, min=w - 1, max=w + 0.5), (4, 6), (4, 6))
fn("hardtanh", lambda z: F.hardtanh(z, -0.4, 0.9))
fn("maximum", torch.maximum, (4, 6), (4, 6))
fn("minimum", torch.minimum, (4, 6), (4, 6))
fn("fmod", lambda z: torch.fmod(z * 3, 1.7))
fn("fmod_tensor", lambda z, w: torch.fmod(z * 3, w.abs() + 0.7), (4, 6), (4, 6))
fn("remainder", lambda z: torch.remainder(z * 3, 1.7))
fn("remainder_tensor", lambda z, w: torch.remainder(z * 3, w.abs() + 0.7), (4, 6), (4, 6))
fn("atan2", torch.atan2, (4, 6), (4, 6))
fn("hypot", torch.hypot, (4, 6), (4, 6))
fn("pow_scalar", lambda z: z**3 + z**2 + z**4)
fn("pow_half", lambda z: z**0.5 + z**-1.5, positive=True)
fn("pow_tensor", lambda z, w: z**w, (4, 6), (4, 6), positive=True)
fn("pow_base", lambda z: 2.0**z)
fn("div_modes", lambda z, w: torch.div(z, w, rounding_mode="floor") * z + torch.div(z, w, rounding_mode="trunc") + z / w, (4, 6), (4, 6), positive=True)
fn("lerp", lambda z, w: torch.lerp(z, w, 0.3) + torch.lerp(z, w, torch.sigmoid(z)), (4, 6), (4, 6))
fn("addcmul", lambda z, w: torch.addcmul(z, z, w, value=0.3) + torch.addcdiv(z, w, w.abs() + 1, value=0.7), (4, 6), (4, 6))
fn("where", lambda z, w: torch.where(z > w, z * w, z - w), (4, 6), (4, 6))
fn("masked_fill", lambda z: z.masked_fill(z < 0, -2.0) * z)
fn("logaddexp", torch.logaddexp, (4, 6), (4, 6))
fn("logaddexp2", torch.logaddexp2, (4, 6), (4, 6), skip=("ts",))
fn("xlogy", lambda z: torch.xlogy(z, z + 1), positive=True, skip=("ts",))
fn("lgamma", lambda z: torch.lgamma(z), positive=True)
fn("isfinite", lambda z: torch.where(torch.isfinite(z), z * z, torch.zeros_like(z)))
fn("nan_to_num", lambda z: torch.nan_to_num(z) * z)
fn("heaviside", lambda z: (z > 0).float() * z.exp() + (z == 0).to(z.dtype) + (z.int() % 2).float() * z)
fn("bitwise", lambda z: (((z * 4).int() & 3) | 1).float() * z, skip=("dy18",))
fn("logical", lambda z: ((z > 0) & ~(z > 1) | (z < -1) ^ (z < -2)).float() * z)
fn("signbit_copysign", lambda z: torch.sign(z) * z.pow(2))
fn("sigmoid_log", lambda z: F.logsigmoid(z) + torch.log(torch.sigmoid(z)))
fn("cast_half", lambda z: (z * 2).to(torch.float64).pow(2).to(torch.float32))
fn("broadcast", lambda z, w: z[:, None, :] * w[:, :, None] + z.sum(1)[:, None, None], (4, 6), (4, 5))
# ------------------------------------------------------------------------------------------------------------------ reductions
fn("sum", lambda z: z.sum(1) + z.sum((1, 2), keepdim=True)[:, 0] + z.sum(), (4, 6, 5))
fn("mean", lambda z: z.mean(1) + z.mean((1, 2), keepdim=True)[:, 0] + z.mean(), (4, 6, 5))
fn("amax", lambda z: z.amax(1) * z.amin(1) + z.amax((1, 2), keepdim=True)[:, 0], (4, 6, 5))
fn("max_dim", lambda z: z.max(1).values * z.min(2)[0].mean(1, keepdim=True), (4, 6, 5))
fn("max_all", lambda z: z.max() * z + z.min())
fn("prod", lambda z: z.prod(1) + z.prod(1, keepdim=True))
fn("prod_zero", lambda z: (z * (torch.arange(6) != 2)).prod(1))
fn("var", lambda z: z.var(1) + z.var((1, 2), unbiased=False, keepdim=True)[:, 0] + z.std(2).mean(1, keepdim=True), (4, 6, 5))
fn("std_mean", lambda z: torch.cat(torch.std_mean(z, 1), 0) + torch.cat(torch.var_mean(z, dim=1, correction=0), 0))
fn("norms", lambda z: z.norm(dim=1) + z.norm(p=1, dim=1) + torch.linalg.vector_norm(z, ord=3, dim=1) + z.norm())
fn("norm_inf", lambda z: torch.linalg.vector_norm(z, ord=float("inf"), dim=1) + z.norm(p=float("-inf"), dim=1))
fn("norm_fro", lambda z: torch.linalg.norm(z, dim=(1, 2)) + torch.norm(z, p="fro", dim=(1, 2)), (4, 6, 5))
fn("logsumexp", lambda z: z.logsumexp(1) + torch.logsumexp(z, (1, 2), keepdim=True)[:, 0], (4, 6, 5))
fn("logsumexp_masked", lambda z: torch.logsumexp(torch.cat([z.masked_fill(z < 0, float("-inf")), z[:, :1]], 1), 1))
fn("cumsum", lambda z: z.cumsum(1) * z.cumsum(0))
fn("cumprod", lambda z: z.cumprod(1))
fn("cummax", lambda z: torch.cummax(z, 1).values)
fn("logcumsumexp", lambda z: torch.logcumsumexp(z, 1))
fn("argmax_pick", lambda z: z.gather(1, z.argmax(1, keepdim=True)))
fn("softmax", lambda z: z.softmax(1) * z.log_softmax(2) + F.softmin(z, 1), (4, 6, 5))
fn("softmax_masked", lambda z: z.masked_fill(torch.ones(6, 6).triu(1).bool(), float("-inf")).softmax(-1), (4, 6, 6))
fn("normalize", lambda z: F.normalize(z, dim=1) + F.normalize(z, p=1.0, dim=1))
fn("cosine_similarity", lambda z, w: F.cosine_similarity(z, w, dim=1), (4, 6), (4, 6))
fn("cosine_matrix", lambda z, w: F.cosine_similarity(z[:, None], w[None], dim=-1), (4, 6), (4, 6))
fn("pairwise_distance", lambda z, w: F.pairwise_distance(z, w) + F.pairwise_distance(z, w, p=1.0), (4, 6), (4, 6))
fn("cdist", lambda z, w: torch.cdist(z, w), (4, 3, 6), (4, 5, 6))
fn("cdist1", lambda z, w: torch.cdist(z, w, p=1.0), (4, 3, 6), (4, 5, 6))
fn("median_pick", lambda z: z.sort(1).values[:, 2] + z.kthvalue(3, 1).values, skip=("ts", "dynamo"))
fn("count", lambda z: z * (z > 0).sum(1, keepdim=True).float() / z.shape[1] + z.any(1, keepdim=True).float() + (z > 0).all(1, keepdim=True).float())
fn("histogram", lambda z: F.one_hot(z.argmax(1), 6).float() * z)
fn("renorm", lambda z: z * (2.0 / z.norm(dim=1, keepdim=True)).clamp(max=1.0))
fn("log_sum", lambda z: z.sum(1).log() + z.pow(2).sum(1).log(), positive=True)
# ---------------------------------------------------------------------------------------------------------------------- sorting
fn("topk", lambda z: z.topk(3, dim=1).values + z.topk(3, dim=1, largest=False, sorted=True).values)
fn("sort", lambda z: z.sort(1).values * torch.arange(6) + z.sort(1, descending=True)[0])
fn("argsort", lambda z: z.gather(1, z.argsort(1)) * torch.arange(6))
fn("unique_mask", lambda z: z[:, torch.tensor([True, False, True, True, False, True])])
# --------------------------------------------------------------------------------------------------------------------- gathering
fn("gather", lambda z: z.gather(1, ids([[0, 0, 3], [1, 5, 2], [4, 4, 4], [3, 2, 1]])), dynamic=())
fn("index_select", lambda z: z.index_select(1, ids([4, 1, 1, 0])))
fn("index_negative", lambda z: z[:, -2] + z[:, [0, -1, 2]].sum(1))
fn("index_pairs", lambda z: z[:, ids([0, 1, 4]), ids([2, 2, 0])], (4, 6, 5))
fn("index_apart", lambda z: z[:, ids([0, 1])][..., ids([3, 0, 3])], (4, 6, 5))
fn("index_grid", lambda z: z[:, ids([[0], [2]]), ids([[3, 0, 3]])], (4, 6, 5))
fn("take_along", lambda z: torch.take_along_dim(z, z.argsort(1, descending=True)[:, :2], 1))
fn("masked_select", lambda z: z[z > 0].sum() + torch.masked_select(z, z < 0).pow(2).sum())
fn("scatter", lambda z, w: z.scatter(1, ids([[0, 2], [1, 5], [4, 3], [3, 2]]), w) * z, (4, 6), (4, 2), dynamic=())
fn("scatter_value", lambda z: z.scatter(1, ids([[0, 2], [1, 5], [4, 3], [3, 2]]), 1.5) * 2, dynamic=())
fn("scatter_add", lambda z, w: z.scatter_add(1, ids([[0, 0], [1, 5], [4, 4], [3, 2]]), w), (4, 6), (4, 2), dynamic=())
fn("scatter_reduce_sum", lambda z, w: z.scatter_reduce(1, ids([[0, 0], [1, 5], [4, 4], [3, 2]]), w, "sum"), (4, 6), (4, 2), dynamic=())
fn("scatter_reduce_prod", lambda z, w: z.scatter_reduce(1, ids([[0, 0], [1, 5], [4, 4], [3, 2]]), w, "prod"), (4, 6), (4, 2), dynamic=())
fn("scatter_prod_zero", lambda z, w: z.scatter_reduce(1, ids([[0, 0], [1, 5], [4, 4], [3, 2]]), w * ids([0.0, 1.0]), "prod"), (4, 6), (4, 2), dynamic=())
fn("scatter_reduce_amax", lambda z, w: z.scatter_reduce(1, ids([[0, 0], [1, 5], [4, 4], [3, 2]]), w, "amax"), (4, 6), (4, 2), dynamic=())
fn("scatter_reduce_amin", lambda z, w: z.scatter_reduce(1, ids([[0, 0], [1, 5], [4, 4], [3, 2]]), w, "amin"), (4, 6), (4, 2), dynamic=())
fn("index_add", lambda z, w: z.index_add(1, ids([0, 3, 3]), w), (4, 6), (4, 3), dynamic=())
fn("index_copy", lambda z, w: z.index_copy(1, ids([0, 3, 2]), w), (4, 6), (4, 3), dynamic=())
fn("index_put", lambda z, w: z.index_put((ids([0, 1, 1]), ids([3, 2, 2])), w[0, :3], accumulate=True) + z.index_put((ids([0, 1]), ids([3, 2])), w[0, 4:6]), (4, 6), (4, 6), dynamic=())
fn("index_fill", lambda z: z.index_fill(1, ids([0, 3]), 0.5) * z)
fn("slice_assign", lambda z, w: assign(z, w), (4, 6), (4, 2))
fn("masked_scatter", lambda z, w: z.masked_scatter(ids([True, False, True, False, False, False]).expand(4, 6), w), (4, 6), (4, 6), dynamic=())
fn("embedding_like", lambda z: F.embedding(ids([[0, 5, 5], [2, 1, 0]]), z[0].reshape(6, 1).expand(6, 3)), dynamic=())
fn("diag", lambda z: torch.diagonal(z, dim1=1, dim2=2) + torch.diagonal(z, 1, 1, 2).sum(1, keepdim=True), (4, 6, 6))
fn("diag_embed", lambda z: torch.diag_embed(z))
fn("trace", lambda z: torch.einsum("bii->b", z), (4, 6, 6), skip=("ts",))


def assign(z, w):
    y = z.clone()
    y[:, 1:3] = w
    y[:, 4] = w[:, 0] * 2
    return y * z


# ------------------------------------------------------------------------------------------------------------------------ layout
fn("roll", lambda z: torch.roll(z, 2, 1) * z + torch.roll(z, (1, -2), (0, 1)))
fn("flip", lambda z: torch.flip(z, (1,)) * z + z.flip(0, 1))
fn("rot90", lambda z: torch.rot90(z, 1, (1, 2)) * z, (4, 5, 5))
fn("repeat", lambda z: z.repeat(1, 3) + z.repeat(2, 1, 3)[0])
fn("repeat_interleave", lambda z: z.repeat_interleave(3, dim=1) * torch.arange(18))
fn("repeat_interleave_list", lambda z: z.repeat_interleave(ids([1, 0, 2, 3, 1, 1]), dim=1) * torch.arange(8.0), dynamic=())
fn("tile", lambda z: torch.tile(z, (2, 2)))
fn("expand", lambda z: z.unsqueeze(1).expand(-1, 3, -1) * torch.arange(3.0)[None, :, None])
fn("tril_triu", lambda z: z.tril() * z.triu(1).sum(1, keepdim=True) + z.tril(-1), (4, 6, 6))
fn("chunk", lambda z: (lambda a, b: a * b)(*z.chunk(2, 1)))
fn("split", lambda z: (lambda a, b, c: a[:, :1] * b.sum(1, keepdim=True) + c)(*z.split([2, 1, 3], 1)))
fn("split_even", lambda z: sum(p.sum(1) * k for k, p in enumerate(z.split(4, 1))))
fn("tensor_split", lambda z: sum(p.pow(2).sum(1) * (k + 1) for k, p in enumerate(z.tensor_split(4, 1))))
fn("stack", lambda z, w: torch.stack([z, w, z * w], 1).sum(2) + torch.stack([z, w], -1).prod(-1)[:, :3], (4, 6), (4, 6))
fn("cat", lambda z, w: torch.cat([z, w, z[:, :1]], 1) + torch.hstack([w, z, w[:, :1]]) + torch.vstack([z, w]).sum(), (4, 6), (4, 6))
fn("unbind", lambda z: sum(v * (k + 1) for k, v in enumerate(z.unbind(1))), (4, 6, 5))
fn("permute", lambda z: z.permute(0, 2, 1).reshape(z.shape[0], -1) * z.flatten(1) + z.transpose(1, 2).contiguous().view(-1, 30) + z.movedim(1, 2).flatten(1), (4, 6, 5))
fn("squeeze", lambda z: z[:, :1].squeeze(1) + z.mean(2, keepdim=True).squeeze(-1)[:, 0].unsqueeze(1), (4, 6, 5))
fn("strided", lambda z: z[:, ::2] * z[:, 1::2] + z[:, -3:] + z[:, :-3])
fn("strided_back", lambda z: z[:, 1:5:3] + z.flip(1)[:, ::3])
fn("batch_slice", lambda z: z[1:] * z[:-1] + z[:1])
fn("batch_slice_step", lambda z: z[::2].sum() + z[1::2].pow(2).sum())
fn("unfold_tensor", lambda z: z.unfold(1, 3, 2) * torch.arange(3.0), (4, 7))
fn("as_windows", lambda z: z.unfold(1, 2, 2).unfold(2, 2, 2).reshape(z.shape[0], -1, 4).softmax(-1), (4, 6, 4))
fn("meshgrid", lambda z, w: (lambda a, b: a * b.sin())(*torch.meshgrid(z[0], w[0], indexing="ij")), (4, 6), (4, 5))
fn("cartesian", lambda z, w: (z.unsqueeze(2) - w.unsqueeze(1)).pow(2).sum((1, 2)), (4, 6), (4, 5))
fn("unflatten", lambda z: z.unflatten(1, (2, 3)).sum(1) + z.view(-1, 3, 2).prod(2))
fn("narrow", lambda z: z.narrow(1, 2, 3) * z.select(1, 0).unsqueeze(1))
fn("swapaxes", lambda z: torch.swapaxes(z, 1, 2).reshape(-1, 6).cumsum(0), (4, 6, 5))
fn("pad_modes", lambda z: F.pad(z, (2, 1), "constant", 0.7) + F.pad(z, (2, 1), "reflect") + F.pad(z, (2, 1), "replicate"), (4, 2, 6))
fn("pad_circular", lambda z: F.pad(z, (2, 1), "circular"), (4, 2, 6))
fn("pad_2d", lambda z: F.pad(z, (1, 2, 3, 0), "reflect") + F.pad(z, (1, 2, 3, 0), "replicate") + F.pad(z, (1, 2, 3, 0)), (4, 2, 6, 5))
fn("pad_2d_circular", lambda z: F.pad(z, (1, 2, 3, 0), "circular"), (4, 2, 6, 5))
fn("pad_3d", lambda z: F.pad(z, (1, 1, 0, 1, 1, 0), "replicate") + F.pad(z, (1, 1, 0, 1, 1, 0), "reflect"), (4, 2, 3, 4, 3))
fn("pad_negative", lambda z: F.pad(z, (-1, 2, 0, -2)), (4, 2, 6, 5))
fn("unfold", lambda z: F.unfold(z, 3, padding=1, stride=2), (4, 2, 6, 5))
fn("unfold_dilated", lambda z: F.unfold(z, (2, 3), dilation=2, padding=(0, 1)), (4, 2, 6, 5))
fn("fold", lambda z: F.fold(z, (4, 5), (2, 2)), (4, 8, 12), skip=())
fn("fold_stride", lambda z: F.fold(z, (6, 6), (3, 3), stride=2, padding=1), (4, 18, 9))
fn("pixel_shuffle", lambda z: F.pixel_shuffle(z, 2), (4, 8, 3, 2))
fn("pixel_unshuffle", lambda z: F.pixel_unshuffle(z, 2), (4, 2, 6, 4))
fn("channel_shuffle", lambda z: F.channel_shuffle(z, 2) * z, (4, 6, 2, 2))
# ---------------------------------------------------------------------------------------------------------------------- products
fn("mm", lambda z, w: z.t() @ w + torch.mm(z.t(), w), (4, 6), (4, 5), dynamic=())
fn("bmm", lambda z, w: torch.bmm(z, w) + torch.matmul(z, w), (4, 3, 6), (4, 6, 5))
fn("baddbmm", lambda z, w, b: torch.baddbmm(b, z, w, beta=0.3, alpha=0.7), (4, 3, 6), (4, 6, 5), (4, 3, 5))
fn("addmm", lambda z, w: torch.addmm(z[0], z, w[0], beta=0.5, alpha=2.0), (4, 6), (4, 6, 6))
fn("addbmm", lambda z, w, b: torch.addbmm(b[0], z, w), (4, 3, 6), (4, 6, 5), (4, 3, 5))
fn("matvec", lambda z, w: torch.mv(z, w[0]) + z @ w[0] + torch.dot(z[0], w[0]), (4, 6), (4, 6))
fn("outer", lambda z, w: torch.outer(z[0], w[0]), (4, 6), (4, 5))
fn("inner", lambda z, w: (z * w).sum(-1), (4, 6), (4, 6))
fn("kron", lambda z, w: (z[:, :, None] * w[:, None, :]).reshape(-1, 30), (4, 6), (4, 5))
fn("matmul_broadcast", lambda z, w: torch.matmul(z, w[0]) + torch.matmul(z, w[:, None])[:, 0], (4, 2, 3, 6), (4, 6, 5))
fn("matrix_power", lambda z: z @ z @ z, (4, 5, 5))
fn("tensordot", lambda z, w: torch.tensordot(z, w[0], dims=([2], [0])), (4, 3, 6), (4, 6, 5))
for k, (equation, shapes) in enumerate({
    "bij,bjk->bik": ((4, 3, 6), (4, 6, 5)), "bhid,bhjd->bhij": ((4, 2, 3, 6), (4, 2, 5, 6)), "bi,bj->bij": ((4, 3), (4, 5)), "bij->b": ((4, 3, 5),),
    "bij->bji": ((4, 3, 5),), "bi,bi->b": ((4, 3), (4, 3)), "bijk,bkl,bl->bij": ((4, 2, 3, 5), (4, 5, 6), (4, 6)), "bi,bij,bj->b": ((4, 3), (4, 3, 5), (4, 5)),
    "bnd,bmd->bnm": ((4, 3, 6), (4, 5, 6)), "...ij,...jk->...ik": ((4, 2, 3, 6), (4, 2, 6, 5)), "bthd,bshd->bhts": ((4, 3, 2, 5), (4, 6, 2, 5)),
    "bcxy,bkc->bkxy": ((4, 3, 2, 5), (4, 6, 3)), "ij,kj->ik": ((4, 6), (4, 6)), "b...,b...->b": ((4, 3, 2), (4, 3, 2)),
}.items()):
    fn(f"einsum{k}", lambda *z, e=equation: torch.einsum(e, *z), *shapes)
fn("scaled_dot_product", lambda q, k, v: F.scaled_dot_product_attention(q, k, v), (4, 2, 5, 6), (4, 2, 7, 6), (4, 2, 7, 6))
fn("scaled_dot_causal", lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), (4, 2, 5, 6), (4, 2, 5, 6), (4, 2, 5, 6))
fn("scaled_dot_mask", lambda q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=torch.ones(5, 7).tril(2).bool(), scale=0.3), (4, 2, 5, 6), (4, 2, 7, 6), (4, 2, 7, 6))
fn("bilinear", lambda z, w, b: F.bilinear(z, w, b[0]), (4, 3), (4, 5), (4, 2, 3, 5), skip=("ts",))
fn("det", lambda z: torch.det(z + 2 * torch.eye(3)), (4, 3, 3))
fn("logdet", lambda z: torch.logdet(z @ z.transpose(1, 2) + torch.eye(3)), (4, 3, 3), skip=("ts",))
fn("inverse", lambda z: torch.inverse(z + 3 * torch.eye(3)), (4, 3, 3))
fn("cross", lambda z, w: torch.cross(z, w, dim=1), (4, 3), (4, 3))
fn("polar", lambda z: torch.cat([z.cos(), z.sin()], -1) * math.pi)
fn("positional", lambda z: z + torch.arange(z.shape[1]).float() / z.shape[1])
fn("dynamic_mask", lambda z: z * (torch.arange(z.shape[0])[:, None] < 3).float())
fn("dynamic_full", lambda z: z * torch.full((z.shape[0], 1), 0.5) + torch.zeros_like(z) + torch.ones(z.shape[0], 6) + z.new_full((6,), 2.0))
fn("dynamic_eye", lambda z: (z @ z.t()) * (1 - torch.eye(z.shape[0])))
fn("dynamic_mean", lambda z: z.sum() / z.shape[0] + z.numel() * z.mean())
fn("linspace", lambda z: z * torch.linspace(-1, 1, 6))


# ------------------------------------------------------------------------------------------------------- kinks, ties and the like
class Exactly(nn.Module):
    """A function of a parameter with these very values: gradients where several choices are right, and PyTorch takes one."""

    exact = True

    def __init__(self, f, values):
        super().__init__()
        self.f, self.p = f, nn.Parameter(torch.tensor(values))

    def forward(self, x):
        y = self.f(self.p * x[0])  # or exporters reckon it out
        return (y * (torch.arange(y.numel(), dtype=y.dtype).reshape(y.shape) * 0.3 + 1)).mean()


def exactly(name, f, *values):
    add(f"tie.{name}", lambda: Exactly(f, values[0] if len(values) == 1 else list(values)), (torch.ones(2),), ("x",))


whole = [-3.0, -1.0, 0.0, 0.0, 1.0, 3.0, 6.0]
for name, f in {
    "relu": F.relu, "abs": torch.abs, "leaky_relu": lambda p: F.leaky_relu(p, 0.2), "elu": F.elu, "selu": F.selu, "celu": F.celu, "relu6": F.relu6, "hardtanh": F.hardtanh, "hardsigmoid": F.hardsigmoid, "hardswish": F.hardswish,
    "clamp": lambda p: p.clamp(-1, 1), "clamp_min": lambda p: p.clamp(min=0), "clamp_max": lambda p: p.clamp(max=1), "clamp_tensor": lambda p: torch.clamp(p, torch.zeros(7), torch.ones(7)), "softshrink": lambda p: F.softshrink(p, 1.0), "hardshrink": lambda p: F.hardshrink(p, 1.0),
    "threshold": lambda p: F.threshold(p, 1.0, 0.3), "softsign": F.softsign, "sign": torch.sign, "prelu": lambda p: F.prelu(p, p[:1] * 0.1), "maximum": lambda p: torch.maximum(p, torch.zeros(7)), "maximum_both": lambda p: torch.maximum(p, p * 1.0),
    "minimum": lambda p: torch.minimum(p, torch.ones(7)), "max_pairs": lambda p: torch.max(p * p, p.abs()), "norm_zero": lambda p: (p * 0).norm() + p, "norm1": lambda p: p.norm(p=1), "norm_rows": lambda p: torch.stack([p * 0, p]).norm(dim=1),
    "square_root_zero": lambda p: torch.where(p > 0, p, torch.ones(7)).sqrt(), "pow0": lambda p: p**2 + p**3 + p**1, "pow_float": lambda p: p.abs() ** 1.5, "normalize_zero": lambda p: F.normalize(torch.stack([p * 0, p]), dim=1), "median_like": lambda p: p.sort().values,
    "floor": torch.floor, "fmod": lambda p: torch.fmod(p, 2.0), "remainder": lambda p: torch.remainder(p, 2.0), "prod_zero": lambda p: p.prod(), "prod_one_zero": lambda p: p[[0, 1, 2, 4, 5]].prod(), "cumprod": lambda p: p.cumprod(0), "logsumexp_ties": lambda p: p.logsumexp(0),
    "atan2": lambda p: torch.atan2(p, p + 0.5), "smooth_l1": lambda p: F.smooth_l1_loss(p, torch.zeros(7), beta=1.0), "huber": lambda p: F.huber_loss(p, torch.zeros(7)), "l1": lambda p: F.l1_loss(p, torch.zeros(7)), "softplus": lambda p: F.softplus(p * 10), "gelu": lambda p: F.gelu(p * 5), "mish": lambda p: F.mish(p * 5),
    "log_softmax_far": lambda p: (p * 40).log_softmax(0), "sigmoid_far": lambda p: (p * 40).sigmoid() + F.logsigmoid(p * 40), "tanh_far": lambda p: (p * 40).tanh(), "erf_far": lambda p: (p * 40).erf(), "silu_far": lambda p: F.silu(p * 40), "bce_far": lambda p: F.binary_cross_entropy_with_logits(p * 40, torch.ones(7)),
    "xlogx": lambda p: p.relu() * torch.log(p.relu() + 1e-8), "where_nan": lambda p: torch.where(p > 0, p, torch.ones_like(p)).log(), "exp_far": lambda p: torch.exp(-p.abs() * 60), "max_all": lambda p: (p * (p < 6)).max(), "relu_relu": lambda p: F.relu(F.relu(p)),
}.items():
    exactly(name, f, *whole)
rows = [[0.0, 2.0, 2.0, 1.0], [3.0, 3.0, 3.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
for name, f in {
    "amax": lambda p: p.amax(1), "amin": lambda p: p.amin(1), "max": lambda p: p.max(1).values, "min": lambda p: p.min(1)[0], "max_whole": lambda p: p.max(), "amax_whole": lambda p: p.amax(), "sort": lambda p: p.sort(dim=1).values, "cummax": lambda p: p.cummax(1).values,
    "max_pool": lambda p: F.max_pool2d(p[None, None], 2, 1), "max_pool_pad": lambda p: F.max_pool2d(p[None, None], 3, 2, 1), "adaptive_max": lambda p: F.adaptive_max_pool2d(p[None, None], 1), "max_pool1d": lambda p: F.max_pool1d(p[None], 2), "lp_pool": lambda p: F.lp_pool2d(p[None, None] + 0.5, 2, 2), "lp_pool_zero": lambda p: F.lp_pool1d(p[None], 2, 2),
    "norm_inf": lambda p: torch.linalg.vector_norm(p, float("inf"), dim=1), "std_zero": lambda p: (p[:2]).std(1), "softmax": lambda p: p.softmax(1), "prod": lambda p: p.prod(1), "logsumexp_inf": lambda p: p[:2].masked_fill(p[:2] == 0, float("-inf")).logsumexp(1), "pdist": lambda p: F.pairwise_distance(p, p * 1.0 + torch.tensor([0.0, 1.0, 0.0, 0.0])), "cdist_zero": lambda p: torch.cdist(p, p * 1.0),
    "cosine": lambda p: F.cosine_similarity(p + 0.5, torch.ones(3, 4), dim=1), "var": lambda p: p.var(1), "layer_norm": lambda p: F.layer_norm(p, (4,)), "hinge": lambda p: F.multi_margin_loss(p, torch.tensor([1, 0, 2])), "scatter_amax": lambda p: torch.zeros(3, 4).scatter_reduce(1, torch.tensor([[0, 0, 0, 1]] * 3), p, "amax"),
    "scatter_prod": lambda p: torch.ones(3, 4).scatter_reduce(1, torch.tensor([[0, 0, 1, 1]] * 3), p, "prod"), "gather_twice": lambda p: p.gather(1, torch.tensor([[0, 0, 0]] * 3)), "grid": lambda p: F.grid_sample(torch.arange(9.0).reshape(1, 1, 3, 3), (p[None, :, :2, None].expand(1, 3, 2, 2)) / 2 - 0.25, align_corners=True),
}.items():
    exactly(name, f, *rows)
