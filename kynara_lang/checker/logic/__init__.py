"""What follows from conditions by their structure alone: terms, value sets, formulas, and the rules made of them."""
