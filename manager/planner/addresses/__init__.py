"""Which Service has which addresses: pools, claims, the ledger, and every reason why not."""
