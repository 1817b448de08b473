"""Delivery decides once where each copy of a mail goes, records that plan, and carries it out."""
