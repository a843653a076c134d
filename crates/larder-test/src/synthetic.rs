//! A workspace that uses every feature of cargo which larder supports.
