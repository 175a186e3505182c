"""A chain of one's own: Solana's virtual machine behind Solana's JSON-RPC, on this machine alone.

Real programs run in it and real clients speak to it. It has no validators, no forks, no leaders
and no congestion, and it is no public chain: what it says proves nothing to anybody else.
"""
