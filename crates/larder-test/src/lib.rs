//! Hermetic test environment for the tests of larder itself.
