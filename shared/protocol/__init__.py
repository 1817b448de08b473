"""Pure grammars: values in, values out."""
