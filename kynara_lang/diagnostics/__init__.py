"""What Kynara says to policy authors: sources and spans, diagnostics as data, their codes, and how they are shown."""
