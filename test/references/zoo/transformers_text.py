"""Networks for text: encoders, decoders, and both."""
import transformers as t

from transformers_entry import Entry, build, fill, hidden_loss, own_loss, probed

import torch

sizes = [(2, 7), (3, 10)]


def masked(random, batch, length):
    """Ones, but zeros at the end of the last row."""
    mask = torch.ones(batch, length, dtype=torch.int64)
    mask[-1, -2:] = 0
    return mask


both = {0: "batch", 1: "time"}


def encoder(model, config, loss=own_loss, labels="tokens", mask=True, extra=None, shape=sizes, low=3, **more):
    def inputs(random, which):
        b, s = shape[which]
        made = {"input_ids": fill(random, 90, b, s, low=low)}
        if mask:
            made["attention_mask"] = masked(random, b, s)
        if extra:
            made |= extra(random, b, s)
        if labels == "tokens":
            made["labels"] = fill(random, 90, b, s)
        elif labels == "class":
            made["labels"] = fill(random, 2, b)
        return made

    axes = {"input_ids": both, "attention_mask": both, "labels": both if labels == "tokens" else {0: "batch"}, "token_type_ids": both, **more.pop("axes", {})}
    return Entry(lambda attention: build(getattr(t, model), config(), attention, **more), inputs, loss, axes)


def decoder(model, config, **more):
    return encoder(model, config, mask=more.pop("mask", True), **more)


def seq2seq(model, config, **more):
    def inputs(random, which):
        b, s = sizes[which]
        return {"input_ids": fill(random, 90, b, s, low=3), "attention_mask": masked(random, b, s), "labels": fill(random, 90, b, s - 2, low=3)}

    axes = {"input_ids": both, "attention_mask": both, "labels": {0: "batch", 1: "out"}}
    return Entry(lambda attention: build(getattr(t, model), config(), attention), inputs, own_loss, axes)


small = dict(vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, max_position_embeddings=40,
             hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
lean = dict(vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, max_position_embeddings=40,
            attention_dropout=0.0, use_cache=False, pad_token_id=0, bos_token_id=1, eos_token_id=2)
grouped = dict(lean, num_key_value_heads=2)
types = lambda random, b, s: {"token_type_ids": fill(random, 2, b, s)}

encoders = {
    "bert": encoder("BertForMaskedLM", lambda: t.BertConfig(**small), extra=types),
    "bert-class": encoder("BertForSequenceClassification", lambda: t.BertConfig(**small), labels="class", extra=types),
    "roberta": encoder("RobertaForMaskedLM", lambda: t.RobertaConfig(**small)),
    "distilbert": encoder("DistilBertForMaskedLM", lambda: t.DistilBertConfig(
        vocab_size=100, dim=32, n_layers=2, n_heads=4, hidden_dim=48, max_position_embeddings=40, dropout=0.0, attention_dropout=0.0)),
    "albert": encoder("AlbertForMaskedLM", lambda: t.AlbertConfig(**small, embedding_size=16)),
    "electra": encoder("ElectraForPreTraining", lambda: t.ElectraConfig(**small, embedding_size=16), extra=types),
    "deberta": encoder("DebertaForMaskedLM", lambda: t.DebertaConfig(**small, relative_attention=True, max_relative_positions=8, pos_att_type=["c2p", "p2c"])),
    "deberta-v2": encoder("DebertaV2ForMaskedLM", lambda: t.DebertaV2Config(
        **small, relative_attention=True, position_buckets=4, max_relative_positions=8, pos_att_type=["c2p", "p2c"], share_att_key=True, norm_rel_ebd="layer_norm")),
    "mpnet": encoder("MPNetForMaskedLM", lambda: t.MPNetConfig(**small, relative_attention_num_buckets=32)),
    "xlm": encoder("XLMWithLMHeadModel", lambda: t.XLMConfig(
        vocab_size=100, emb_dim=32, n_layers=2, n_heads=4, max_position_embeddings=40, dropout=0.0, attention_dropout=0.0)),
    "xlm-roberta": encoder("XLMRobertaForTokenClassification", lambda: t.XLMRobertaConfig(**small, num_labels=90)),
    "xlnet": encoder("XLNetLMHeadModel", lambda: t.XLNetConfig(vocab_size=100, d_model=32, n_layer=2, n_head=4, d_inner=48, dropout=0.0, summary_last_dropout=0.0, use_mems_eval=False, use_mems_train=False)),
    "fnet": encoder("FNetForMaskedLM", lambda: t.FNetConfig(vocab_size=100, hidden_size=32, num_hidden_layers=2, intermediate_size=48, max_position_embeddings=40, hidden_dropout_prob=0.0), mask=False),
    "funnel": encoder("FunnelForMaskedLM", lambda: t.FunnelConfig(
        vocab_size=100, block_sizes=[1, 1], num_decoder_layers=1, d_model=32, n_head=4, d_head=8, d_inner=48, hidden_dropout=0.0, attention_dropout=0.0, activation_dropout=0.0), shape=[(2, 8), (3, 12)]),
    "convbert": encoder("ConvBertForMaskedLM", lambda: t.ConvBertConfig(**small, embedding_size=16, conv_kernel_size=3)),
    "squeezebert": encoder("SqueezeBertForMaskedLM", lambda: t.SqueezeBertConfig(**small, embedding_size=32)),
    "mobilebert": encoder("MobileBertForMaskedLM", lambda: t.MobileBertConfig(
        vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, max_position_embeddings=40, embedding_size=16,
        true_hidden_size=16, intra_bottleneck_size=16, num_feedforward_networks=2, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)),
    "longformer": encoder("LongformerForMaskedLM", lambda: t.LongformerConfig(**small, attention_window=[4, 4]), shape=[(2, 16), (3, 24)]),
    "big-bird": encoder("BigBirdForMaskedLM", lambda: t.BigBirdConfig(**small, attention_type="original_full")),
    "big-bird-sparse": encoder("BigBirdForMaskedLM", lambda: t.BigBirdConfig(**dict(small, max_position_embeddings=80), attention_type="block_sparse", block_size=4, num_random_blocks=2), shape=[(2, 64), (3, 64)]),
    "ibert": encoder("IBertForMaskedLM", lambda: t.IBertConfig(**small)),
    "rembert": encoder("RemBertForMaskedLM", lambda: t.RemBertConfig(**small, input_embedding_size=16, output_embedding_size=24)),
    "roformer": encoder("RoFormerForMaskedLM", lambda: t.RoFormerConfig(**small)),
    "modernbert": encoder("ModernBertForMaskedLM", lambda: t.ModernBertConfig(
        vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, max_position_embeddings=40, pad_token_id=0, cls_token_id=1, sep_token_id=2, bos_token_id=1, eos_token_id=2,
        global_attn_every_n_layers=2, local_attention=4, reference_compile=False)),
    "nystromformer": encoder("NystromformerForMaskedLM", lambda: t.NystromformerConfig(**small, num_landmarks=4, segment_means_seq_len=8, conv_kernel_size=3), shape=[(2, 8), (3, 8)], mask=False),
    "layoutlm": encoder("LayoutLMForMaskedLM", lambda: t.LayoutLMConfig(**small, max_2d_position_embeddings=60),
                        extra=lambda random, b, s: {"bbox": torch.stack([fill(random, 20, b, s), fill(random, 20, b, s), fill(random, 40, b, s, low=20), fill(random, 40, b, s, low=20)], -1)},
                        axes={"bbox": both}),
    "tapas": encoder("TapasForMaskedLM", lambda: t.TapasConfig(**small, type_vocab_sizes=[3, 20, 20, 2, 20, 20, 10]),
                     extra=lambda random, b, s: {"token_type_ids": fill(random, 2, b, s, 7)}),
    "esm": encoder("EsmForMaskedLM", lambda: t.EsmConfig(**small, pad_token_id=1, mask_token_id=4, position_embedding_type="rotary", token_dropout=False)),
    "canine": encoder("CanineForTokenClassification", lambda: t.CanineConfig(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=4, intermediate_size=48, max_position_embeddings=64, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        num_labels=90, num_hash_buckets=50, num_hash_functions=4, local_transformer_stride=8), shape=[(2, 16), (3, 16)]),
}

decoders = {
    "gpt2": decoder("GPT2LMHeadModel", lambda: t.GPT2Config(vocab_size=100, n_embd=32, n_layer=2, n_head=4, n_positions=40, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, use_cache=False)),
    "openai-gpt": decoder("OpenAIGPTLMHeadModel", lambda: t.OpenAIGPTConfig(vocab_size=100, n_embd=32, n_layer=2, n_head=4, n_positions=40, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)),
    "gpt-neo": decoder("GPTNeoForCausalLM", lambda: t.GPTNeoConfig(vocab_size=100, hidden_size=32, num_layers=2, num_heads=4, attention_types=[[["global", "local"], 1]], window_size=4, max_position_embeddings=40, resid_dropout=0.0, embed_dropout=0.0, attention_dropout=0.0, use_cache=False)),
    "gptj": decoder("GPTJForCausalLM", lambda: t.GPTJConfig(vocab_size=100, n_embd=32, n_layer=2, n_head=4, n_positions=40, rotary_dim=4, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, use_cache=False)),
    "gpt-neox": decoder("GPTNeoXForCausalLM", lambda: t.GPTNeoXConfig(**lean, hidden_dropout=0.0)),
    "gpt-bigcode": decoder("GPTBigCodeForCausalLM", lambda: t.GPTBigCodeConfig(vocab_size=100, n_embd=32, n_layer=2, n_head=4, n_positions=40, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, use_cache=False)),
    "opt": decoder("OPTForCausalLM", lambda: t.OPTConfig(vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, ffn_dim=48, max_position_embeddings=40, dropout=0.0, attention_dropout=0.0, word_embed_proj_dim=24, use_cache=False)),
    "bloom": decoder("BloomForCausalLM", lambda: t.BloomConfig(vocab_size=100, hidden_size=32, n_layer=2, n_head=4, hidden_dropout=0.0, attention_dropout=0.0, use_cache=False)),
    "falcon": decoder("FalconForCausalLM", lambda: t.FalconConfig(vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, hidden_dropout=0.0, attention_dropout=0.0, use_cache=False, alibi=False, max_position_embeddings=40)),
    "falcon-alibi": decoder("FalconForCausalLM", lambda: t.FalconConfig(vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, hidden_dropout=0.0, attention_dropout=0.0, use_cache=False, alibi=True, new_decoder_architecture=False, parallel_attn=False)),
    "mpt": decoder("MptForCausalLM", lambda: t.MptConfig(vocab_size=100, d_model=32, n_layers=2, n_heads=4, max_seq_len=40, use_cache=False)),
    "codegen": decoder("CodeGenForCausalLM", lambda: t.CodeGenConfig(vocab_size=100, n_embd=32, n_layer=2, n_head=4, n_positions=40, rotary_dim=4, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, use_cache=False)),
    "stablelm": decoder("StableLmForCausalLM", lambda: t.StableLmConfig(**grouped, hidden_dropout=0.0, qk_layernorm=True)),
    "llama": decoder("LlamaForCausalLM", lambda: t.LlamaConfig(**grouped)),
    "llama-class": decoder("LlamaForSequenceClassification", lambda: t.LlamaConfig(**grouped, num_labels=2), labels="class"),
    "mistral": decoder("MistralForCausalLM", lambda: t.MistralConfig(**grouped, sliding_window=4)),
    "mixtral": decoder("MixtralForCausalLM", lambda: t.MixtralConfig(**grouped, num_local_experts=4, num_experts_per_tok=2, output_router_logits=True)),
    "qwen2": decoder("Qwen2ForCausalLM", lambda: t.Qwen2Config(**grouped)),
    "qwen2-moe": decoder("Qwen2MoeForCausalLM", lambda: t.Qwen2MoeConfig(**grouped, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=24, shared_expert_intermediate_size=24, decoder_sparse_step=1)),
    "qwen3": decoder("Qwen3ForCausalLM", lambda: t.Qwen3Config(**grouped, head_dim=8)),
    "qwen3-moe": decoder("Qwen3MoeForCausalLM", lambda: t.Qwen3MoeConfig(**grouped, head_dim=8, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=24)),
    "gemma": decoder("GemmaForCausalLM", lambda: t.GemmaConfig(**grouped, head_dim=8)),
    "gemma2": decoder("Gemma2ForCausalLM", lambda: t.Gemma2Config(**grouped, head_dim=8, sliding_window=4, query_pre_attn_scalar=8)),
    "gemma3": decoder("Gemma3ForCausalLM", lambda: t.Gemma3TextConfig(**grouped, head_dim=8, sliding_window=4, query_pre_attn_scalar=8, layer_types=["sliding_attention", "full_attention"])),
    "phi": decoder("PhiForCausalLM", lambda: t.PhiConfig(**lean, resid_pdrop=0.0, embd_pdrop=0.0, qk_layernorm=True)),
    "phi3": decoder("Phi3ForCausalLM", lambda: t.Phi3Config(**grouped, resid_pdrop=0.0, embd_pdrop=0.0, original_max_position_embeddings=40)),
    "olmo": decoder("OlmoForCausalLM", lambda: t.OlmoConfig(**grouped, clip_qkv=2.0)),
    "olmo2": decoder("Olmo2ForCausalLM", lambda: t.Olmo2Config(**grouped)),
    "olmoe": decoder("OlmoeForCausalLM", lambda: t.OlmoeConfig(**grouped, num_experts=4, num_experts_per_tok=2)),
    "cohere": decoder("CohereForCausalLM", lambda: t.CohereConfig(**grouped, use_qk_norm=True)),
    "cohere2": decoder("Cohere2ForCausalLM", lambda: t.Cohere2Config(**grouped, sliding_window=4)),
    "smollm3": decoder("SmolLM3ForCausalLM", lambda: t.SmolLM3Config(**grouped, no_rope_layers=[1, 0])),
    "granite": decoder("GraniteForCausalLM", lambda: t.GraniteConfig(**grouped, embedding_multiplier=2.0, logits_scaling=1.5, residual_multiplier=0.7, attention_multiplier=0.3)),
    "granitemoe": decoder("GraniteMoeForCausalLM", lambda: t.GraniteMoeConfig(**grouped, num_local_experts=4, num_experts_per_tok=2)),
    "starcoder2": decoder("Starcoder2ForCausalLM", lambda: t.Starcoder2Config(**grouped, residual_dropout=0.0, embedding_dropout=0.0)),
    "persimmon": decoder("PersimmonForCausalLM", lambda: t.PersimmonConfig(**lean, hidden_dropout=0.0)),
    "nemotron": decoder("NemotronForCausalLM", lambda: t.NemotronConfig(**grouped, head_dim=8)),
    "glm": decoder("GlmForCausalLM", lambda: t.GlmConfig(**grouped, head_dim=8)),
    "deepseek-v3": decoder("DeepseekV3ForCausalLM", lambda: t.DeepseekV3Config(
        **dict(lean, num_key_value_heads=4), n_routed_experts=4, num_experts_per_tok=2, n_group=1, topk_group=1, moe_intermediate_size=24, n_shared_experts=1, first_k_dense_replace=1,
        kv_lora_rank=8, q_lora_rank=16, qk_rope_head_dim=4, v_head_dim=8, qk_nope_head_dim=8)),
    "ctrl": decoder("CTRLLMHeadModel", lambda: t.CTRLConfig(vocab_size=100, n_positions=40, n_embd=32, dff=48, n_layer=2, n_head=4, resid_pdrop=0.0, embd_pdrop=0.0, use_cache=False)),
    "biogpt": decoder("BioGptForCausalLM", lambda: t.BioGptConfig(**small, activation_dropout=0.0, layerdrop=0.0, use_cache=False)),
    "xglm": decoder("XGLMForCausalLM", lambda: t.XGLMConfig(vocab_size=100, max_position_embeddings=40, d_model=32, ffn_dim=48, num_layers=2, attention_heads=4, dropout=0.0, attention_dropout=0.0, activation_dropout=0.0, layerdrop=0.0, use_cache=False)),
    "mamba": decoder("MambaForCausalLM", lambda: t.MambaConfig(vocab_size=100, hidden_size=16, num_hidden_layers=2, state_size=4, time_step_rank=4, use_cache=False), mask=False),
    "mamba2": decoder("Mamba2ForCausalLM", lambda: t.Mamba2Config(vocab_size=100, hidden_size=16, num_hidden_layers=2, state_size=4, num_heads=4, head_dim=8, n_groups=2, chunk_size=4, expand=2, use_cache=False), mask=False),
    "rwkv": decoder("RwkvForCausalLM", lambda: t.RwkvConfig(vocab_size=100, context_length=40, hidden_size=32, num_hidden_layers=2, attention_hidden_size=32, intermediate_size=48, use_cache=False), mask=False),
    "jamba": decoder("JambaForCausalLM", lambda: t.JambaConfig(**grouped, num_experts=2, num_experts_per_tok=1, expert_layer_period=2, expert_layer_offset=1, attn_layer_period=2, attn_layer_offset=1, mamba_d_state=4, mamba_dt_rank=4, use_mamba_kernels=False)),
}

t5 = dict(vocab_size=100, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, dropout_rate=0.0, use_cache=False, decoder_start_token_id=0, relative_attention_num_buckets=8, relative_attention_max_distance=16)
bart = dict(vocab_size=100, d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=48, decoder_ffn_dim=48,
            max_position_embeddings=40, dropout=0.0, attention_dropout=0.0, activation_dropout=0.0, use_cache=False, pad_token_id=1, bos_token_id=0, eos_token_id=2, decoder_start_token_id=2)

pairs = {
    "t5": seq2seq("T5ForConditionalGeneration", lambda: t.T5Config(**t5)),
    "mt5": seq2seq("MT5ForConditionalGeneration", lambda: t.MT5Config(**t5, feed_forward_proj="gated-gelu")),
    "umt5": seq2seq("UMT5ForConditionalGeneration", lambda: t.UMT5Config(**t5)),
    "longt5": seq2seq("LongT5ForConditionalGeneration", lambda: t.LongT5Config(**t5, local_radius=3)),
    "switch": seq2seq("SwitchTransformersForConditionalGeneration", lambda: t.SwitchTransformersConfig(**t5, num_experts=3, num_sparse_encoder_layers=1, num_sparse_decoder_layers=1, expert_capacity=8, router_jitter_noise=0.0)),
    "bart": seq2seq("BartForConditionalGeneration", lambda: t.BartConfig(**bart)),
    "mbart": seq2seq("MBartForConditionalGeneration", lambda: t.MBartConfig(**bart)),
    "pegasus": seq2seq("PegasusForConditionalGeneration", lambda: t.PegasusConfig(**bart)),
    "marian": seq2seq("MarianMTModel", lambda: t.MarianConfig(**bart)),
    "m2m-100": seq2seq("M2M100ForConditionalGeneration", lambda: t.M2M100Config(**bart, encoder_layerdrop=0.0, decoder_layerdrop=0.0)),
    "blenderbot": seq2seq("BlenderbotForConditionalGeneration", lambda: t.BlenderbotConfig(**bart, encoder_layerdrop=0.0, decoder_layerdrop=0.0)),
    "led": seq2seq("LEDForConditionalGeneration", lambda: t.LEDConfig(**{k: v for k, v in bart.items() if k != "max_position_embeddings"}, max_encoder_position_embeddings=40, max_decoder_position_embeddings=40, attention_window=4, encoder_layerdrop=0.0, decoder_layerdrop=0.0)),
    "prophetnet": seq2seq("ProphetNetForConditionalGeneration", lambda: t.ProphetNetConfig(vocab_size=100, hidden_size=32, num_encoder_layers=2, num_decoder_layers=2, num_encoder_attention_heads=4, num_decoder_attention_heads=4,
        encoder_ffn_dim=48, decoder_ffn_dim=48, max_position_embeddings=40, ngram=2, dropout=0.0, attention_dropout=0.0, activation_dropout=0.0, use_cache=False, pad_token_id=0, relative_max_distance=16, num_buckets=8)),
    "t5-encoder": encoder("T5EncoderModel", lambda: t.T5Config(**t5), loss=hidden_loss, labels=None),
}

text = {**encoders, **decoders, **pairs}
