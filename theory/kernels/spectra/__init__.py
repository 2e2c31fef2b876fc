"""Spectra and singularities of limit kernels on circles and spheres: in float64, and in certified balls."""

from theory.kernels.spectra.certified import certified_spectrum as certified_spectrum
from theory.kernels.spectra.critical import critical_parameter as critical_parameter
from theory.kernels.spectra.singular import SingularLaw as SingularLaw
from theory.kernels.spectra.singular import certified_singular_law as certified_singular_law
from theory.kernels.spectra.singular import singular_law as singular_law
from theory.kernels.spectra.zonal import ZonalSpectrum as ZonalSpectrum
from theory.kernels.spectra.zonal import zonal_spectrum as zonal_spectrum
