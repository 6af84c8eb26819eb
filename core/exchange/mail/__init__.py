"""Mail (ML-1 to ML-6): the one builder, the outbox and its journal, the sender, templates, the opt-out gate."""
