"""Binding of the contracts: one servicer, reached in-process or over gRPC, with the same checks on both ways (DESIGN
§6).
"""
