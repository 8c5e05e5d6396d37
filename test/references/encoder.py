"""A tiny random BERT as transformers builds it, exported to ONNX in both of torch's ways (by tracing, with the names that sentence encoders have; by
torch.export), its WordPiece tokenizer, and the means of its last states over the tokens of some texts. Weights are drawn so that every bias and
norm matters. Made with transformers 5.18.0 and torch 2.13.0:  python encoder.py [FOLDER]"""
import json, os, sys
import onnx, torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel

out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "encoder")
os.makedirs(out, exist_ok=True)
letters = "abcdefghijklmnopqrstuvwxyz0123456789.,!?"
words = ["the", "food", "was", "today", "order", "great", "awful", "good", "bad", "not"]
han = "味道今天我们很好吃太难快推荐"
vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *letters, *["##" + c for c in letters if c.isalnum()], *words, *han]
tokenizer = Tokenizer(models.WordPiece({w: i for i, w in enumerate(vocab)}, unk_token="[UNK]"))
tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
tokenizer.save(os.path.join(out, "tokenizer.json"))

torch.manual_seed(0)
config = BertConfig(vocab_size=len(vocab), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, max_position_embeddings=48)
config._attn_implementation = "eager"
model = BertModel(config, add_pooling_layer=False).eval()
with torch.no_grad():
    for name, p in model.named_parameters():
        p.copy_(torch.randn_like(p) * (0.3 if p.dim() > 1 else 0.1) + (1 if "LayerNorm.weight" in name else 0))

class States(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model
    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).last_hidden_state

texts = ["The food was great!", "味道很好，太快", "not good", "", "today " * 60]
most = 32
rows, features = [], []
for text in texts:
    ids = tokenizer.encode(text).ids
    ids = ids if len(ids) <= most else ids[: most - 1] + [3]
    with torch.no_grad():
        states = model(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long)).last_hidden_state[0]
    rows.append(ids)
    features.append([round(v, 6) for v in states.mean(0).tolist()])
json.dump({"texts": texts, "ids": rows, "features": features}, open(os.path.join(out, "encoder.json"), "w"), ensure_ascii=False)

example = (torch.tensor([[2, 5, 6, 3], [2, 7, 3, 0]]), torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]]), torch.zeros(2, 4, dtype=torch.long))
names = ["input_ids", "attention_mask", "token_type_ids"]
torch.onnx.export(States(model), example, os.path.join(out, "traced.onnx"), input_names=names, output_names=["last_hidden_state"], opset_version=14, dynamo=False,
                  dynamic_axes={name: {0: "batch_size", 1: "sequence_length"} for name in [*names, "last_hidden_state"]})
torch.onnx.export(States(model), example, os.path.join(out, "exported.onnx"), input_names=names, output_names=["last_hidden_state"], opset_version=18, dynamo=True,
                  external_data=False, dynamic_shapes={name: {0: torch.export.Dim.AUTO, 1: torch.export.Dim.AUTO} for name in names})
# What torch notes of where each node came from is three quarters of the file.
path = os.path.join(out, "exported.onnx")
made = onnx.load(path)
for one in [made, made.graph, *made.graph.node, *made.graph.value_info, *made.graph.input, *made.graph.output, *made.graph.initializer]:
    one.ClearField("metadata_props")
    if hasattr(one, "doc_string"): one.ClearField("doc_string")
onnx.save(made, path)
