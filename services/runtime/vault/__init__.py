"""The vault: personal data and free text, sealed under a key per ticket that the master key wraps.

Erasing a ticket's key erases the person, in every copy and backup of the sealed bytes (crypto-shredding). So keys lie
in a file of their own, `*-keys.sqlite`: what is sealed may be backed up for years, the keys only as long as restoring
needs them. The keys' file also knows which tickets a person has (by a keyed hash), and which were erased for good.
"""

from services.runtime.vault.vault import Item, Vault, open_vault, path_of

__all__ = ["Item", "Vault", "open_vault", "path_of"]
