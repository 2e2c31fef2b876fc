"""Ensembles on disk: a Zarr group whose chunks are blocks, each final once its record is there.

Layout, all of it plain Zarr (version 3), which other programs read too::

    zarr.json                      the description and its digest, the block size
    inputs                         (n, d)
    outputs, covariances, ...      (draws, ...): one chunk a block, with a checksum; not a number where nothing is yet
    finished                       (blocks, 1 + arrays): one record a block: 1, then the CRC-32 of each array's bytes
    statistics/NUMBER              statistics of one block, where results are not kept
    summary                        statistics of the blocks that were finished when a run ended

A block is a pure function of the description and its number, and every file is written under another name, flushed to
the disk and renamed. Its record comes last: a block without one is not there, whatever chunks a killed process left.
Two processes that draw the same block write the same bytes. So any number of processes may write at a time, without
locks, and be killed at any moment.
"""

from theory.networks.store.ensembles import Store as Store
from theory.networks.store.ensembles import open_store as open_store
