"""Import this before numpy: its linear algebra then keeps to one thread.

The matrices of perception are small: more threads only wait for each other, and take the
processor from the nodes that drive the robot. Who sets the variables keeps their values.
"""

import os

for _name in ('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'):
    os.environ.setdefault(_name, '1')
