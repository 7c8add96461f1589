//! This package has tests only: see `flows`.
