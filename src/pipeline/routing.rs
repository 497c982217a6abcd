//! Which shard an entry goes to: its site's, so that all that a verdict rests on meets in one engine.

use crate::domain::{Mn, Neighbours, shard_of};
use crate::engine::Body;
use crate::protocol::{frame, peek};
use crate::registry::Registry;

/// Where an entry goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// To one shard, by this key.
    One(u32, String),
    /// To every shard.
    All,
}

/// Where an entry goes among `of` shards. `admitted`: the logger whose packet it is.
#[must_use]
pub fn route(body: &Body, admitted: Option<Mn>, registry: &Registry, of: u32) -> Route {
    let by = |key: String| Route::One(shard_of(&key, of), key);
    let logger = |mn: &str| by(registry.key_of_logger(mn));
    match body {
        Body::Frame { bytes, peer, .. } => match admitted {
            Some(mn) => logger(mn.as_str()),
            // Whom it claims to be from: a wrong password is its site's concern.
            None => match frame::whole(bytes).map(|found| peek(bytes, &found)).and_then(|claimed| claimed.mn().map(logger)) {
                Some(route) => route,
                None => by(host(peer).to_owned()),
            },
        },
        Body::Repeat { mn, .. } => logger(mn.as_str()),
        Body::Rejected { peer, .. } => by(host(peer).to_owned()),
        Body::LinkUp { gateway, .. } | Body::LinkDown { gateway, .. } => by(gateway.clone()),
        Body::Declaration(declaration) => by(registry.key_of_outlet(declaration.outlet)),
        Body::Visit(visit) => by(registry.key_of_outlet(visit.outlet)),
        Body::Comparison(comparison) => by(registry.key_of_outlet(comparison.outlet)),
        Body::Recount { outlet, .. } | Body::Neighbours(Neighbours { outlet, .. }) => by(registry.key_of_outlet(*outlet)),
        // The case's shard, which its store knows; here for one that nobody knows.
        Body::Disposition(step) => by(step.case.to_string()),
        Body::Event(event) => by(event.case.to_string()),
        // Its outlets may lie in several shards: the order of one contractor's months is kept by its own name.
        Body::Score(score) => by(score.contractor.clone()),
        Body::RegistryVersion { .. } | Body::RuleSetVersion { .. } | Body::Survey(_) | Body::NeighboursDone { .. } | Body::Tick {} => Route::All,
    }
}

/// An address without its port.
fn host(peer: &str) -> &str {
    peer.rsplit_once(':').map_or(peer, |(host, _)| host)
}
