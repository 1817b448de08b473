"""The grammar of Sieve (RFC 5228 §8): octets to tokens, tokens to a tree of commands and tests."""
