"""Kynara: a declarative policy language for deciding what AI agents may do."""
