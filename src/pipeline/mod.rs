//! The loops that own the engine: collect, step, commit, hand back.

pub mod appending;
pub mod clock;
pub mod intake;
pub mod replay;
pub mod serve;
