"""Bytes of DICOM files overwritten at random: refused in our own words, or read; never anything else."""

import random
import warnings

import numpy as np
from PSMAPlanningLib.errors import PlanningError
from PSMAPlanningLib.imaging.read import read_pet
from test_imaging.dicom_builder import pet_datasets, write_series

TRIALS = 150


def test_overwritten_bytes_raise_only_our_errors(tmp_path):
    private = [(0x0009, "GEMS_PETD_01", 0x0D, "DT", "20250101110000")]
    write_series(pet_datasets(private=private), tmp_path)
    originals = {path: path.read_bytes() for path in sorted(tmp_path.iterdir())}
    chance = random.Random(5)
    for _ in range(TRIALS):
        start = chance.randrange(132, min(map(len, originals.values())) - 140)
        junk = chance.randbytes(chance.choice([1, 1, 2, 4, 8]))
        victims = chance.sample(list(originals), chance.choice([1, len(originals)]))
        for path, data in originals.items():
            damaged = data[:start] + junk + data[start + len(junk) :]
            path.write_bytes(damaged if path in victims else data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                pet = read_pet(tmp_path)
            except PlanningError:
                continue
        assert np.isfinite(pet.image.array).all()
