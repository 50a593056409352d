"""Adapters: each turns what one kind of upstream says into `upstream.ticket.submitted.v1`."""
