"""What the services share to erase a deleted account from what they keep (docs/erasure.md)."""
