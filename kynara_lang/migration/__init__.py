"""Takes policies over from other languages: reads them, and writes a program that decides the same."""
