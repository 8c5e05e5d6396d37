"""What the sweep tries: small random networks of transformers, built from configurations, each with inputs in two sizes and its loss."""
from transformers_text import text
from transformers_vision import vision
from transformers_sound import sound

zoo = {**text, **vision, **sound}
