"""Networks for sound and for series in time."""
import torch
import transformers as t

from transformers_entry import Entry, build, fill, noise, own_loss, probed

batch = {0: "batch"}


def plain(model, config, inputs, loss=own_loss, axes=None):
    names = None

    def with_axes():
        import random

        return {name: batch for name in inputs(random.Random(0), 0)}

    return Entry(lambda attention: build(getattr(t, model), config(), attention), inputs, loss, axes or with_axes())


def part(name):
    def loss(model, inputs):
        out = model(**inputs, return_dict=True)
        return probed(out[name])

    return loss


wave = dict(
    vocab_size=20, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, conv_dim=(8, 8), conv_kernel=(4, 3), conv_stride=(2, 2), num_feat_extract_layers=2, hidden_dropout=0.0, activation_dropout=0.0,
    attention_dropout=0.0, feat_proj_dropout=0.0, layerdrop=0.0, final_dropout=0.0, num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2, apply_spec_augment=False, classifier_proj_size=16, num_labels=5)
sound = lambda random, which: {"input_values": noise(random, 2 + which, 64 + 16 * which), "labels": fill(random, 5, 2 + which)}
samples = {"input_values": {0: "batch", 1: "time"}, "labels": batch}
series = dict(prediction_length=4, context_length=8, lags_sequence=[1, 2], num_time_features=2, d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=24, decoder_ffn_dim=24,
              dropout=0.0, attention_dropout=0.0, activation_dropout=0.0, encoder_layerdrop=0.0, decoder_layerdrop=0.0, use_cache=False)


def forecasts(random, which):
    b = 2 + which
    return {"past_values": noise(random, b, 10), "past_time_features": noise(random, b, 10, 2), "past_observed_mask": torch.ones(b, 10), "future_values": noise(random, b, 4), "future_time_features": noise(random, b, 4, 2)}


patches = dict(num_input_channels=3, context_length=16, patch_length=4, patch_stride=4, prediction_length=4, num_hidden_layers=2, d_model=16, num_attention_heads=2, ffn_dim=24, attention_dropout=0.0, positional_dropout=0.0, ff_dropout=0.0, head_dropout=0.0, path_dropout=0.0)
windows = lambda random, which: {"past_values": noise(random, 2 + which, 16, 3), "future_values": noise(random, 2 + which, 4, 3)}

sound = {
    "whisper": plain("WhisperForConditionalGeneration", lambda: t.WhisperConfig(
        vocab_size=100, num_mel_bins=8, d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=48, decoder_ffn_dim=48, max_source_positions=10, max_target_positions=12,
        dropout=0.0, attention_dropout=0.0, activation_dropout=0.0, use_cache=False, pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1, suppress_tokens=None, begin_suppress_tokens=None),
        lambda random, which: {"input_features": noise(random, 2 + which, 8, 20), "labels": fill(random, 90, 2 + which, 6, low=3)}),
    "wav2vec2": plain("Wav2Vec2ForSequenceClassification", lambda: t.Wav2Vec2Config(**wave), sound, axes=samples),
    "wav2vec2-layer": plain("Wav2Vec2ForSequenceClassification", lambda: t.Wav2Vec2Config(**wave, feat_extract_norm="layer", do_stable_layer_norm=True), sound, axes=samples),
    "wav2vec2-ctc": plain("Wav2Vec2ForCTC", lambda: t.Wav2Vec2Config(**wave), lambda random, which: {"input_values": noise(random, 2 + which, 64 + 16 * which)}, part("logits"), {"input_values": {0: "batch", 1: "time"}}),
    "hubert": plain("HubertForSequenceClassification", lambda: t.HubertConfig(**wave), sound, axes=samples),
    "wavlm": plain("WavLMForSequenceClassification", lambda: t.WavLMConfig(**wave, num_buckets=16, max_bucket_distance=20), sound, axes=samples),
    "sew": plain("SEWForSequenceClassification", lambda: t.SEWConfig(**{k: v for k, v in wave.items() if k != "num_feat_extract_layers"}, squeeze_factor=2), sound),
    "unispeech": plain("UniSpeechForSequenceClassification", lambda: t.UniSpeechConfig(**wave), sound, axes=samples),
    "data2vec-audio": plain("Data2VecAudioForSequenceClassification", lambda: t.Data2VecAudioConfig(**{k: v for k, v in wave.items() if k != "num_feat_extract_layers"}, conv_pos_kernel_size=3), sound),
    "wav2vec2-conformer": plain("Wav2Vec2ConformerForSequenceClassification", lambda: t.Wav2Vec2ConformerConfig(**wave, position_embeddings_type="rotary", conv_depthwise_kernel_size=3, conformer_conv_dropout=0.0), sound),
    "wav2vec2-bert": plain("Wav2Vec2BertForSequenceClassification", lambda: t.Wav2Vec2BertConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, feature_projection_input_dim=8, hidden_dropout=0.0, activation_dropout=0.0, attention_dropout=0.0, feat_proj_dropout=0.0, layerdrop=0.0,
        apply_spec_augment=False, conv_depthwise_kernel_size=3, conformer_conv_dropout=0.0, left_max_position_embeddings=4, right_max_position_embeddings=2, classifier_proj_size=16, num_labels=5),
        lambda random, which: {"input_features": noise(random, 2 + which, 12, 8), "labels": fill(random, 5, 2 + which)}),
    "ast": plain("ASTForAudioClassification", lambda: t.ASTConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, patch_size=4, frequency_stride=3, time_stride=3, max_length=16, num_mel_bins=8, num_labels=5),
        lambda random, which: {"input_values": noise(random, 2 + which, 16, 8), "labels": fill(random, 5, 2 + which)}),
    "speech-to-text": plain("Speech2TextForConditionalGeneration", lambda: t.Speech2TextConfig(
        vocab_size=100, d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=48, decoder_ffn_dim=48, max_source_positions=40, max_target_positions=12, num_conv_layers=2,
        conv_kernel_sizes=(3, 3), conv_channels=16, input_feat_per_channel=8, input_channels=1, dropout=0.0, attention_dropout=0.0, activation_dropout=0.0, encoder_layerdrop=0.0, decoder_layerdrop=0.0, use_cache=False, decoder_start_token_id=2),
        lambda random, which: {"input_features": noise(random, 2 + which, 20, 8), "labels": fill(random, 90, 2 + which, 6, low=3)}),
    "speecht5": plain("SpeechT5ForSpeechToText", lambda: t.SpeechT5Config(
        vocab_size=81, hidden_size=24, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, conv_dim=(8, 8), conv_kernel=(4, 3), conv_stride=(2, 2), hidden_dropout=0.0,
        positional_dropout=0.0, attention_dropout=0.0, activation_dropout=0.0, feat_proj_dropout=0.0, encoder_layerdrop=0.0, decoder_layerdrop=0.0, num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2, apply_spec_augment=False, use_cache=False,
        max_speech_positions=64, max_text_positions=20, encoder_max_relative_position=8),
        lambda random, which: {"input_values": noise(random, 2 + which, 64), "labels": fill(random, 70, 2 + which, 6, low=3)}),
    "musicgen-decoder": plain("MusicgenForCausalLM", lambda: t.MusicgenDecoderConfig(vocab_size=64, max_position_embeddings=20, num_hidden_layers=2, ffn_dim=48, num_attention_heads=4, hidden_size=32, num_codebooks=2, dropout=0.0, attention_dropout=0.0, activation_dropout=0.0, layerdrop=0.0, use_cache=False),
        lambda random, which: {"input_ids": fill(random, 60, 2 * (2 + which), 7)}, part("logits")),
    "time-series": plain("TimeSeriesTransformerForPrediction", lambda: t.TimeSeriesTransformerConfig(**series), forecasts),
    "informer": plain("InformerForPrediction", lambda: t.InformerConfig(**series, attention_type="full"), forecasts),
    "informer-prob": plain("InformerForPrediction", lambda: t.InformerConfig(**series, attention_type="prob"), forecasts),
    "autoformer": plain("AutoformerForPrediction", lambda: t.AutoformerConfig(**series, moving_average=3, label_length=4), forecasts),
    "patchtst": plain("PatchTSTForPrediction", lambda: t.PatchTSTConfig(**patches), windows),
    "patchtst-layernorm": plain("PatchTSTForPrediction", lambda: t.PatchTSTConfig(**patches, norm_type="layernorm", pooling_type="mean", scaling="mean"), windows),
    "patchtsmixer": plain("PatchTSMixerForPrediction", lambda: t.PatchTSMixerConfig(num_input_channels=3, context_length=16, patch_length=4, patch_stride=4, prediction_length=4, num_layers=2, d_model=16, expansion_factor=2, dropout=0.0, head_dropout=0.0), windows),
    "patchtsmixer-gated": plain("PatchTSMixerForPrediction", lambda: t.PatchTSMixerConfig(num_input_channels=3, context_length=16, patch_length=4, patch_stride=4, prediction_length=4, num_layers=2, d_model=16, expansion_factor=2, dropout=0.0, head_dropout=0.0,
        mode="mix_channel", self_attn=True, self_attn_heads=2, norm_mlp="BatchNorm"), windows),
    "decision-transformer": plain("DecisionTransformerModel", lambda: t.DecisionTransformerConfig(state_dim=5, act_dim=3, hidden_size=32, max_ep_len=20, n_layer=2, n_head=2, n_positions=40, vocab_size=10, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0),
        lambda random, which: {"states": noise(random, 2 + which, 6, 5), "actions": noise(random, 2 + which, 6, 3), "rewards": noise(random, 2 + which, 6, 1), "returns_to_go": noise(random, 2 + which, 6, 1), "timesteps": fill(random, 20, 2 + which, 6), "attention_mask": torch.ones(2 + which, 6)}, part("action_preds")),
}
