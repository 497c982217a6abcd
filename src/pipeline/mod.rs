//! The loops that own the engine: collect, step, commit, hand back.

pub mod replay;
