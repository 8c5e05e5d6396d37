"""Random tiny language models of every family as transformers builds and saves them, with tokenizers of their usual kinds, and what transformers says.
python families.py make FOLDER [COUNT] [SEED] [FAMILY…]   writes FOLDER/<family>-<i>/ and reference.json in each
python families.py check FOLDER                           asks the folders named …-back the same, and prints a line of JSON for each"""
import json, math, os, random, sys
sys.path = [p for p in sys.path if os.path.abspath(p or ".") != os.path.dirname(os.path.abspath(__file__))]  # sklearn.py beside this is not the library
import torch
import transformers
transformers.utils.logging.disable_progress_bar()
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

texts = ["Hello, world! It's 1,234.5 — isn't it? WE'LL see, they'd said.", "  two  spaces\n\nand\tlines\r\n   ", "你好，世界。日本語 한국어 …", "👩‍👩‍👧 🙂 é ñ ß Ωμέγα ﬁ",
         "def f(x):\n    return x**2  # 10000 != 3.14", "", " ", "<s>a</s> b <|end|>\n c", "the cat sat on the mat; the dog's bone 2024-11-28"]
corpus = ["the cat sat on the mat and the dog was there too", "Once upon a time there was a little girl who liked to play in the park",
          "Hello world, hello there, it's 1234 5678 things", "def f(x): return x + 1", "你好世界 你好 世界", "don't won't can't we'll they've I'm"] * 20
qwen = r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
llama3 = qwen.replace(r"\p{N}|", r"\p{N}{1,3}|", 1)
bloom = r" ?[^(\s|[.,!?…。，、।۔،])]+"


def byte_level(kind):
    t = Tokenizer(models.BPE(ignore_merges=kind == "llama3"))
    step = {"qwen": qwen, "llama3": llama3, "bloom": bloom}.get(kind)
    plain = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=step is None)
    if kind == "smollm":
        t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), plain])
    else:
        t.pre_tokenizer = plain if step is None else pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(step), "isolated"), plain])
    if kind in ("qwen", "neox"):
        t.normalizer = normalizers.NFC()
    t.decoder = decoders.ByteLevel()
    t.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=330, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    t.add_special_tokens(["<s>", "</s>", "<|end|>"])
    t.add_tokens(["<tool>"])
    if kind == "llama3":
        t.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", t.token_to_id("<s>"))])
    return t


def pieces(kind, rng):
    """As SentencePiece's BPE: every way to part a piece is a merge, in the order of the pieces."""
    t = Tokenizer(models.BPE())
    t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    t.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=140, show_progress=False))
    learned = json.loads(t.to_str())["model"]
    letters = [w for w in learned["vocab"] if len(w) == 1]
    longer = ["".join(m) for m in learned["merges"]]
    longer = list(dict.fromkeys(longer))
    listed = ["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)] + longer + letters
    vocab = {w: i for i, w in enumerate(listed)}
    merges = []
    for whole in longer:
        local = [(whole[:i], whole[i:]) for i in range(1, len(whole)) if whole[:i] in vocab and whole[i:] in vocab]
        merges += sorted(local, key=lambda p: (vocab[p[0]], vocab[p[1]]))
    t = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    replace = normalizers.Replace(" ", "▁")
    if kind == "gemma":
        t.normalizer = replace
        t.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    elif rng.random() < 0.5:
        t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), replace])
    else:
        t.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=False)
    strip = [] if kind == "gemma" else [decoders.Strip(content=" ", left=1)]
    t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *strip])
    t.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in ("<unk>", "<s>", "</s>", "<|end|>")])
    t.add_tokens([AddedToken("<tool>", special=False, normalized=False)])
    t.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return t


def rope(rng, kinds, size, context):
    kind = rng.choice(kinds)
    told = dict(rope_type=kind, rope_theta=rng.choice([10000.0, 500.0, 100000.0, 1000000.0]))
    if kind == "linear":
        told.update(factor=rng.choice([2.0, 4.0, 2.5]))
    if kind == "llama3":
        told.update(factor=rng.choice([8.0, 32.0]), low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=rng.choice([16, 64, 8192]))
    if kind == "yarn":
        told.update(factor=rng.choice([2.0, 4.0]), original_max_position_embeddings=context // 2)
    if kind == "longrope":
        told.update(short_factor=[1 + 0.2 * i for i in range(size // 2)], long_factor=[1.5 + 0.5 * i for i in range(size // 2)])
    return told


def draw(family, rng, vocab):
    heads = rng.choice([1, 2, 3, 4, 6])
    kv = rng.choice([n for n in range(1, heads + 1) if heads % n == 0])
    size = rng.choice([4, 8, 12, 16, 32])
    own = rng.choice([False, True])
    width = heads * size if not own else 4 * rng.randint(4, 24)
    context = rng.choice([64, 96, 128])
    layers = rng.choice([1, 2, 3, 4])
    base = dict(vocab_size=vocab, hidden_size=width, intermediate_size=4 * rng.randint(4, 40), num_hidden_layers=layers, num_attention_heads=heads,
                num_key_value_heads=kv, max_position_embeddings=context, tie_word_embeddings=rng.random() < 0.5, rms_norm_eps=rng.choice([1e-5, 1e-6]))
    if own:
        base["head_dim"] = size
    usual = ["default", "default", "linear", "yarn"]
    if family in ("llama", "mistral", "gemma", "gemma2", "gemma3", "qwen3") and width % heads:
        base["hidden_size"] = heads * size  # transformers checks it
    if family == "llama":
        return "llama", dict(base, rope_parameters=rope(rng, usual + ["llama3", "llama3"], size, context), attention_bias=rng.random() < 0.3, mlp_bias=rng.random() < 0.3)
    if family == "mistral":
        return "mistral", dict(base, head_dim=size, rope_parameters=rope(rng, usual, size, context), sliding_window=rng.choice([None, 6, 32]))
    if family == "qwen2":
        base.pop("head_dim", None)
        window = dict(use_sliding_window=True, sliding_window=rng.choice([5, 16]), max_window_layers=rng.randint(0, layers)) if rng.random() < 0.4 else {}
        return "qwen2", dict(base, hidden_size=heads * size, rope_parameters=rope(rng, usual, size, context), **window)
    if family == "qwen3":
        return "qwen3", dict(base, head_dim=size, rope_parameters=rope(rng, usual, size, context))
    if family == "gemma":
        return "gemma", dict(base, head_dim=size, rope_parameters=rope(rng, ["default"], size, context), tie_word_embeddings=True)
    if family == "gemma2":
        return "gemma2", dict(base, head_dim=size, rope_parameters=rope(rng, ["default"], size, context), tie_word_embeddings=True, sliding_window=rng.choice([4, 9]),
                              query_pre_attn_scalar=size, attn_logit_softcapping=rng.choice([50.0, 20.0]), final_logit_softcapping=rng.choice([30.0, 10.0]))
    if family == "gemma3":
        both = dict(full_attention=rope(rng, ["default", "linear"], size, context), sliding_attention=dict(rope_type="default", rope_theta=10000.0))
        return "gemma3_text", dict(base, head_dim=size, num_hidden_layers=rng.choice([2, 6, 7]), rope_parameters=both, tie_word_embeddings=True,
                                   sliding_window=rng.choice([4, 9]), query_pre_attn_scalar=size)
    if family == "phi3":
        base.pop("head_dim", None)
        part = rng.choice([1.0, 0.5]) if size >= 8 else 1.0
        context = base["max_position_embeddings"] = 1024  # llama.cpp takes the long factors for a whole context that is longer than the original one
        told = rope(rng, ["default", "longrope"], int(size * part), context)
        told["partial_rotary_factor"] = part
        return "phi3", dict(base, hidden_size=heads * size, rope_parameters=told, original_max_position_embeddings=context // 2, sliding_window=rng.choice([None, 7]),
                            pad_token_id=0, partial_rotary_factor=part)
    if family == "gpt2":
        return "gpt2", dict(vocab_size=vocab, n_embd=heads * size, n_layer=layers, n_head=heads, n_positions=context, n_inner=rng.choice([None, 40, 100]),
                            layer_norm_epsilon=rng.choice([1e-5, 1e-6]), tie_word_embeddings=rng.random() < 0.7)
    if family == "gpt_neox":
        size = max(8, size // 8 * 8)
        return "gpt_neox", dict(vocab_size=vocab, hidden_size=heads * size, intermediate_size=4 * rng.randint(4, 40), num_hidden_layers=layers, num_attention_heads=heads,
                                max_position_embeddings=context, use_parallel_residual=rng.random() < 0.6, tie_word_embeddings=rng.random() < 0.3,
                                rotary_pct=rng.choice([0.25, 0.5, 1.0]), hidden_act=rng.choice(["gelu", "gelu_new"]), layer_norm_eps=1e-5)
    if family == "bloom":
        return "bloom", dict(vocab_size=vocab, hidden_size=heads * size, n_layer=layers, n_head=heads, layer_norm_epsilon=1e-5, tie_word_embeddings=rng.random() < 0.7)
    raise ValueError(family)


families = ["llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "phi3", "gpt2", "gpt_neox", "bloom"]


def tokenizer_of(family, rng):
    if family in ("mistral", "phi3") or family == "llama" and rng.random() < 0.5:
        return pieces("llama", rng)
    if family.startswith("gemma"):
        return pieces("gemma", rng)
    return byte_level({"llama": rng.choice(["llama3", "smollm"]), "qwen2": "qwen", "qwen3": "qwen", "gpt2": "gpt2", "gpt_neox": "neox", "bloom": "bloom"}[family])


def ask(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].float()


def make(folder, count, seed, wanted):
    for family in wanted:
        for i in range(count):
            rng = random.Random(f"{family} {i} {seed}")
            torch.manual_seed(seed * 1000 + i)
            tok = tokenizer_of(family, rng)
            kind, values = draw(family, rng, tok.get_vocab_size() + rng.choice([0, 0, 5]))
            bos, eos = tok.token_to_id("<s>"), tok.token_to_id("</s>")
            values.update(bos_token_id=bos, eos_token_id=eos)
            config = AutoConfig.for_model(kind, **values)
            model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
            with torch.no_grad():
                for own, p in model.named_parameters():
                    p.normal_(0, 1.2 / math.sqrt(p.shape[-1]) if p.dim() > 1 else 0.25)
                    if own.endswith("weight") and p.dim() == 1 and not kind.startswith("gemma"):
                        p.add_(1)
                model.tie_weights()
            out = os.path.join(folder, f"{family}-{i}")
            model.save_pretrained(out)
            PreTrainedTokenizerFast(tokenizer_object=tok, bos_token="<s>", eos_token="</s>", clean_up_tokenization_spaces=False).save_pretrained(out)
            ids = [rng.randrange(3, tok.get_vocab_size()) for _ in range(rng.randint(4, 30))]
            y = ask(model, ids)
            json.dump(dict(ids=ids, logits=y.tolist(), texts=[[t, tok.encode(t).ids] for t in texts]), open(os.path.join(out, "reference.json"), "w"))
        print(family, count, flush=True)


def check(folder):
    for name in sorted(os.listdir(folder)):
        if not name.endswith("-back"):
            continue
        told = json.load(open(os.path.join(folder, name[:-5], "reference.json")))
        path = os.path.join(folder, name)
        model, loading = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
        ids = told["ids"][: getattr(model.config, "max_position_embeddings", None) or 1000]  # cut where llama.cpp's context ends
        y, expected = ask(model.eval(), ids), torch.tensor(told["logits"][: len(ids)])
        worst = ((y - expected).abs().max() / expected.abs().max()).item()
        tok = PreTrainedTokenizerFast.from_pretrained(path)
        other = [t for t, ids in told["texts"] if tok.encode(t) != ids]
        odd = [str(v) for v in loading.values() if v]
        print(json.dumps(dict(name=name, worst=worst, texts=other, loading=odd)), flush=True)


if __name__ == "__main__":
    what, folder, *rest = sys.argv[1:]
    if what == "make":
        make(folder, int(rest[0]) if rest else 20, int(rest[1]) if len(rest) > 1 else 0, rest[2:] or families)
    else:
        check(folder)
