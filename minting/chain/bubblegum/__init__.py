"""Metaplex Bubblegum: compressed NFTs as leaves of a Merkle tree on Solana. Pure.

Instructions, hashes, accounts and events of versions 1 and 2, byte for byte as the programs have
them. Source: the interface definitions and sources of mpl-bubblegum 0.12 and
spl-account-compression; held to vectors that were recorded from the programs themselves.
"""
