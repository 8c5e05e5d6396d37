"""Networks for pictures, and for pictures with text."""
import torch
import transformers as t

from transformers_entry import Entry, build, fill, noise, own_loss, probed

batch = {0: "batch"}


def view(x):
    """All float tensors that an output holds, as one loss."""
    if torch.is_tensor(x):
        return [probed(x)] if x.is_floating_point() else []
    values = x.values() if isinstance(x, dict) else x if isinstance(x, (list, tuple)) else []
    return [part for v in values for part in view(v)]


def outputs_loss(*names):
    def loss(model, inputs):
        out = model(**inputs, return_dict=True)
        return sum(part for name in names for part in view(out[name]))

    return loss


def pictures(model, config, size=16, loss=own_loss, labels="class", channels=3, frames=0, extra=None, **kwargs):
    def inputs(random, which):
        b = 2 + which
        shape = (b, frames, channels, size, size) if frames else (b, channels, size, size)
        made = {"pixel_values": noise(random, *shape)}
        if labels == "class":
            made["labels"] = fill(random, 5, b)
        elif labels == "map":
            made["labels"] = fill(random, 5, b, size, size)
        if extra:
            made |= extra(random, b)
        return made

    axes = {"pixel_values": batch, "labels": batch, **{k: batch for k in ("bool_masked_pos", "noise", "input_ids", "attention_mask")}, **kwargs.pop("axes", {})}
    return Entry(lambda attention: build(getattr(t, model), config(), attention, **kwargs), inputs, loss, axes)


vit = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, image_size=16, patch_size=4, num_labels=5, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
masks = lambda count, some: lambda random, b: {"bool_masked_pos": torch.tensor([[i in some for i in range(count)]] * b)}
tower = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, image_size=16, patch_size=4, attention_dropout=0.0)
words = dict(vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, max_position_embeddings=20, attention_dropout=0.0)
tokens = lambda random, b: {"input_ids": fill(random, 90, b, 6, low=3), "attention_mask": torch.ones(b, 6, dtype=torch.int64)}


def captioned(model, config, loss=own_loss, **kwargs):
    def more(random, b):
        made = tokens(random, b)
        made["input_ids"][:, -1] = 99  # the end, which CLIP looks for
        return made

    def with_loss(net, inputs):
        return net(**inputs, return_loss=True, return_dict=True).loss

    return pictures(model, config, labels=None, extra=more, loss=with_loss if loss is own_loss else loss, **kwargs)


resnet = dict(embedding_size=8, hidden_sizes=[8, 12], depths=[1, 1], num_labels=5)
detr = dict(
    use_timm_backbone=False, use_pretrained_backbone=False, backbone=None, num_queries=5, d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=48,
    decoder_ffn_dim=48, dropout=0.0, attention_dropout=0.0, activation_dropout=0.0, encoder_layerdrop=0.0, decoder_layerdrop=0.0, num_labels=5)
backbone = lambda: t.ResNetConfig(embedding_size=8, hidden_sizes=[8, 12, 16, 20], depths=[1, 1, 1, 1], out_features=["stage4"])

vision = {
    "vit": pictures("ViTForImageClassification", lambda: t.ViTConfig(**vit)),
    "deit": pictures("DeiTForImageClassification", lambda: t.DeiTConfig(**vit)),
    "beit": pictures("BeitForImageClassification", lambda: t.BeitConfig(**vit, drop_path_rate=0.0, use_relative_position_bias=True, use_mask_token=False)),
    "data2vec-vision": pictures("Data2VecVisionForImageClassification", lambda: t.Data2VecVisionConfig(**vit, drop_path_rate=0.0, use_shared_relative_position_bias=True)),
    "swin": pictures("SwinForImageClassification", lambda: t.SwinConfig(image_size=16, patch_size=2, embed_dim=16, depths=[2, 1], num_heads=[2, 4], window_size=4, drop_path_rate=0.0, num_labels=5)),
    "swinv2": pictures("Swinv2ForImageClassification", lambda: t.Swinv2Config(image_size=16, patch_size=2, embed_dim=16, depths=[2, 1], num_heads=[2, 4], window_size=4, drop_path_rate=0.0, num_labels=5)),
    "swin2sr": pictures("Swin2SRForImageSuperResolution", lambda: t.Swin2SRConfig(image_size=8, patch_size=1, embed_dim=16, depths=[2], num_heads=[2], window_size=4, drop_path_rate=0.0, upscale=2, num_channels=3), size=8, labels=None, loss=outputs_loss("reconstruction")),
    "convnext": pictures("ConvNextForImageClassification", lambda: t.ConvNextConfig(hidden_sizes=[8, 12], depths=[1, 1], num_stages=2, patch_size=2, num_labels=5)),
    "convnextv2": pictures("ConvNextV2ForImageClassification", lambda: t.ConvNextV2Config(hidden_sizes=[8, 12], depths=[1, 1], num_stages=2, patch_size=2, num_labels=5)),
    "resnet": pictures("ResNetForImageClassification", lambda: t.ResNetConfig(**resnet)),
    "resnet-basic": pictures("ResNetForImageClassification", lambda: t.ResNetConfig(**resnet, layer_type="basic"), size=32),
    "regnet": pictures("RegNetForImageClassification", lambda: t.RegNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], groups_width=4, num_labels=5)),
    "bit": pictures("BitForImageClassification", lambda: t.BitConfig(embedding_size=32, hidden_sizes=[32, 64], depths=[1, 1], num_groups=8, num_labels=5), size=32),
    "mobilenet-v1": pictures("MobileNetV1ForImageClassification", lambda: t.MobileNetV1Config(depth_multiplier=0.25, min_depth=8, classifier_dropout_prob=0.0, num_labels=5, image_size=32), size=32),
    "mobilenet-v2": pictures("MobileNetV2ForImageClassification", lambda: t.MobileNetV2Config(depth_multiplier=0.35, min_depth=8, classifier_dropout_prob=0.0, num_labels=5, image_size=32), size=32),
    "mobilevit": pictures("MobileViTForImageClassification", lambda: t.MobileViTConfig(
        image_size=64, hidden_sizes=[16, 20, 24], neck_hidden_sizes=[8, 8, 8, 12, 16, 20, 24], num_attention_heads=4, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, classifier_dropout_prob=0.0, num_labels=5), size=64),
    "mobilevitv2": pictures("MobileViTV2ForImageClassification", lambda: t.MobileViTV2Config(image_size=64, width_multiplier=0.25, num_labels=5, ffn_dropout=0.0, attn_dropout=0.0), size=64),
    "efficientnet": pictures("EfficientNetForImageClassification", lambda: t.EfficientNetConfig(
        image_size=32, width_coefficient=0.25, depth_coefficient=0.3, hidden_dim=320, kernel_sizes=[3, 5], in_channels=[32, 16], out_channels=[16, 24], strides=[1, 2], num_block_repeats=[1, 1], expand_ratios=[1, 4],
        depthwise_padding=[], num_labels=5, dropout_rate=0.0, drop_connect_rate=0.0), size=32),
    "levit": pictures("LevitForImageClassification", lambda: t.LevitConfig(image_size=64, hidden_sizes=[16, 24, 32], num_attention_heads=[2, 3, 4], depths=[1, 1, 1], key_dim=[8, 8, 8], drop_path_rate=0, attention_ratio=[2, 2, 2], mlp_ratio=[2, 2, 2], num_labels=5,
        down_ops=[["Subsample", 8, 2, 4, 2, 2], ["Subsample", 8, 3, 4, 2, 2]]), size=64),
    "poolformer": pictures("PoolFormerForImageClassification", lambda: t.PoolFormerConfig(hidden_sizes=[8, 12, 16, 20], depths=[1, 1, 1, 1], num_labels=5, drop_path_rate=0.0), size=64),
    "pvt": pictures("PvtForImageClassification", lambda: t.PvtConfig(image_size=32, hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1], sequence_reduction_ratios=[4, 2, 1, 1], num_attention_heads=[1, 2, 2, 4], hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, drop_path_rate=0.0, num_labels=5), size=32),
    "pvt-v2": pictures("PvtV2ForImageClassification", lambda: t.PvtV2Config(image_size=32, hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1], sr_ratios=[4, 2, 1, 1], num_attention_heads=[1, 2, 2, 4], hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, drop_path_rate=0.0, num_labels=5), size=32),
    "cvt": pictures("CvtForImageClassification", lambda: t.CvtConfig(embed_dim=[8, 16, 24], num_heads=[1, 2, 3], depth=[1, 2, 3], attention_drop_rate=[0.0] * 3, drop_rate=[0.0] * 3, drop_path_rate=[0.0] * 3, num_labels=5), size=32),
    "focalnet": pictures("FocalNetForImageClassification", lambda: t.FocalNetConfig(image_size=16, patch_size=2, embed_dim=8, hidden_sizes=[8, 16], depths=[1, 1], focal_levels=[2, 2], focal_windows=[3, 3], drop_path_rate=0.0, num_labels=5)),
    "segformer": pictures("SegformerForSemanticSegmentation", lambda: t.SegformerConfig(hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1], num_attention_heads=[1, 2, 2, 4], decoder_hidden_size=16, classifier_dropout_prob=0.0, drop_path_rate=0.0, num_labels=5), size=32, labels="map"),
    "upernet-beit": pictures("BeitForSemanticSegmentation", lambda: t.BeitConfig(**dict(vit, num_hidden_layers=4), drop_path_rate=0.0, out_indices=[1, 2, 3, 4], use_auxiliary_head=False, pool_scales=[1, 2]), labels="map"),
    "dpt": pictures("DPTForDepthEstimation", lambda: t.DPTConfig(**dict(vit, num_hidden_layers=4), is_hybrid=False, backbone_out_indices=[0, 1, 2, 3], neck_hidden_sizes=[8, 12, 16, 20], fusion_hidden_size=16, reassemble_factors=[4, 2, 1, 0.5]), labels=None, loss=outputs_loss("predicted_depth")),
    "dinov2": pictures("Dinov2ForImageClassification", lambda: t.Dinov2Config(**{k: v for k, v in vit.items() if k != "intermediate_size"}, mlp_ratio=2, drop_path_rate=0.0)),
    "dinov2-swiglu": pictures("Dinov2Model", lambda: t.Dinov2Config(**{k: v for k, v in vit.items() if k != "intermediate_size"}, mlp_ratio=2, use_swiglu_ffn=True, drop_path_rate=0.0), labels=None, loss=outputs_loss("last_hidden_state"), size=24),
    "vit-mae": pictures("ViTMAEForPreTraining", lambda: t.ViTMAEConfig(**{k: v for k, v in vit.items() if k != "num_labels"}, decoder_hidden_size=16, decoder_num_hidden_layers=1, decoder_num_attention_heads=2, decoder_intermediate_size=24, mask_ratio=0.5), labels=None,
        extra=lambda random, b: {"noise": torch.rand(b, 16, generator=torch.Generator().manual_seed(random.randrange(99)))}),
    "vit-masked": pictures("ViTForMaskedImageModeling", lambda: t.ViTConfig(**vit, encoder_stride=4), labels=None, extra=masks(16, {1, 2, 7})),
    "videomae": pictures("VideoMAEForVideoClassification", lambda: t.VideoMAEConfig(**vit, num_frames=4, tubelet_size=2), frames=4),
    "videomae-pretrain": pictures("VideoMAEForPreTraining", lambda: t.VideoMAEConfig(**vit, num_frames=4, tubelet_size=2, decoder_hidden_size=16, decoder_num_hidden_layers=1, decoder_num_attention_heads=2, decoder_intermediate_size=24), frames=4, labels=None, extra=masks(32, set(range(0, 32, 3)))),
    "timesformer": pictures("TimesformerForVideoClassification", lambda: t.TimesformerConfig(**vit, num_frames=4, drop_path_rate=0), frames=4),
    "vivit": pictures("VivitForVideoClassification", lambda: t.VivitConfig(**{k: v for k, v in vit.items() if k != "patch_size"}, num_frames=4, tubelet_size=[2, 4, 4]), frames=4),
    "detr": pictures("DetrForObjectDetection", lambda: t.DetrConfig(**{k: v for k, v in detr.items() if k != "backbone"}, backbone_config=backbone()), size=32, labels=None, loss=outputs_loss("logits", "pred_boxes")),
    "table-transformer": pictures("TableTransformerForObjectDetection", lambda: t.TableTransformerConfig(**{k: v for k, v in detr.items() if k != "backbone"}, backbone_config=backbone()), size=32, labels=None, loss=outputs_loss("logits", "pred_boxes")),
    "conditional-detr": pictures("ConditionalDetrForObjectDetection", lambda: t.ConditionalDetrConfig(**{k: v for k, v in detr.items() if k != "backbone"}, backbone_config=backbone()), size=32, labels=None, loss=outputs_loss("logits", "pred_boxes")),
    "yolos": pictures("YolosForObjectDetection", lambda: t.YolosConfig(**{**vit, "image_size": [16, 16]}, num_detection_tokens=4), labels=None, loss=outputs_loss("logits", "pred_boxes")),
    "sam-vision": pictures("SamVisionModel", lambda: t.SamVisionConfig(hidden_size=32, output_channels=16, num_hidden_layers=2, num_attention_heads=4, image_size=16, patch_size=2, window_size=4, global_attn_indexes=[1], mlp_dim=48, num_pos_feats=8), labels=None, loss=outputs_loss("last_hidden_state")),
    "mask2former-pixel": pictures("MaskFormerForInstanceSegmentation", lambda: t.MaskFormerConfig(
        fpn_feature_size=32, mask_feature_size=32, backbone_config=t.SwinConfig(image_size=32, patch_size=2, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 2, 2, 4], window_size=4, drop_path_rate=0.0, out_features=["stage1", "stage2", "stage3", "stage4"]),
        decoder_config=t.DetrConfig(**{k: v for k, v in detr.items() if k != "backbone"}, backbone_config=backbone()), num_labels=5), size=32, labels=None, loss=outputs_loss("class_queries_logits", "masks_queries_logits")),
    "clip": captioned("CLIPModel", lambda: t.CLIPConfig(text_config=dict(words, eos_token_id=99, bos_token_id=1, pad_token_id=0), vision_config=tower, projection_dim=16)),
    "siglip": captioned("SiglipModel", lambda: t.SiglipConfig(text_config=dict(words, pad_token_id=0, bos_token_id=1, eos_token_id=99), vision_config=tower)),
    "siglip-vision": pictures("SiglipForImageClassification", lambda: t.SiglipConfig(text_config=dict(words, pad_token_id=0, bos_token_id=1, eos_token_id=99), vision_config=tower, num_labels=5)),
    "chinese-clip": captioned("ChineseCLIPModel", lambda: t.ChineseCLIPConfig(text_config=dict(words, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0), vision_config=tower, projection_dim=16)),
    "blip": captioned("BlipForImageTextRetrieval", lambda: t.BlipConfig(
        text_config=dict(words, encoder_hidden_size=32, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, bos_token_id=1, sep_token_id=2, pad_token_id=0), vision_config=tower, projection_dim=16, image_text_hidden_size=16), loss=outputs_loss("itm_score")),
    "blip-vqa": captioned("BlipForConditionalGeneration", lambda: t.BlipConfig(
        text_config=dict(words, encoder_hidden_size=32, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, bos_token_id=1, sep_token_id=2, pad_token_id=0), vision_config=tower, projection_dim=16, image_text_hidden_size=16), loss=outputs_loss("logits")),
    "vilt": pictures("ViltModel", lambda: t.ViltConfig(**{k: v for k, v in vit.items() if k != "num_labels"}, vocab_size=100, max_position_embeddings=20), labels=None, loss=outputs_loss("last_hidden_state"), extra=tokens),
    "git": pictures("GitForCausalLM", lambda: t.GitConfig(vision_config=tower, vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, max_position_embeddings=40, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, use_cache=False), labels=None, loss=outputs_loss("logits"), extra=tokens),
    "trocr": pictures("VisionEncoderDecoderModel", lambda: t.VisionEncoderDecoderConfig(encoder=t.ViTConfig(**vit).to_dict(), decoder=dict(t.TrOCRConfig(
        vocab_size=100, d_model=32, decoder_layers=2, decoder_attention_heads=4, decoder_ffn_dim=48, max_position_embeddings=20, dropout=0.0, attention_dropout=0.0, use_cache=False, cross_attention_hidden_size=32, is_decoder=True, add_cross_attention=True).to_dict()),
        decoder_start_token_id=2, pad_token_id=1), labels=None, extra=lambda random, b: {"labels": fill(random, 90, b, 6, low=3)}),
    "layoutlmv3": pictures("LayoutLMv3ForTokenClassification", lambda: t.LayoutLMv3Config(
        vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, max_position_embeddings=40, max_2d_position_embeddings=60, coordinate_size=4, shape_size=8, input_size=16, patch_size=4,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, rel_pos_bins=8, rel_2d_pos_bins=8, num_labels=90), labels=None,
        extra=lambda random, b: {**tokens(random, b), "bbox": torch.stack([fill(random, 20, b, 6), fill(random, 20, b, 6), fill(random, 40, b, 6, low=20), fill(random, 40, b, 6, low=20)], -1), "labels": fill(random, 90, b, 6)}, axes={"bbox": batch}),
    "imagegpt": Entry(lambda attention: build(t.ImageGPTForCausalImageModeling, t.ImageGPTConfig(vocab_size=41, n_positions=32, n_embd=32, n_layer=2, n_head=4, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, use_cache=False), attention),
        lambda random, which: {"input_ids": fill(random, 39, 2 + which, 9), "labels": fill(random, 39, 2 + which, 9)}, own_loss, {"input_ids": batch, "labels": batch}),
    "perceiver": Entry(lambda attention: build(t.PerceiverForMaskedLM, t.PerceiverConfig(
        num_latents=6, d_latents=16, d_model=24, num_blocks=1, num_self_attends_per_block=2, num_self_attention_heads=2, num_cross_attention_heads=2, qk_channels=16, v_channels=24, vocab_size=60, max_position_embeddings=12, attention_probs_dropout_prob=0.0), attention),
        lambda random, which: {"inputs": fill(random, 50, 2 + which, 12), "attention_mask": torch.ones(2 + which, 12, dtype=torch.int64), "labels": fill(random, 50, 2 + which, 12)}, own_loss, {k: batch for k in ("inputs", "attention_mask", "labels")}),
}
