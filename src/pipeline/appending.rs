//! What a person or an office may append to the journal; packets are not among it.

use crate::domain::RuleSet;
use crate::engine::Body;
use crate::registry::{Registry, statements};

/// Why an entry may not be appended, or could not be put in force; none: it may.
#[must_use]
pub fn fault(body: &Body, registry: &Registry) -> Option<String> {
    match body {
        Body::Declaration(declaration) => statements::fault(declaration.fault(), declaration.outlet, declaration.factor, registry),
        Body::Comparison(comparison) => statements::fault(comparison.fault(), comparison.outlet, Some(comparison.factor), registry),
        Body::RegistryVersion { files } => Registry::parse(files).err().map(|faults| format!("{} faults, the first: {}", faults.len(), faults[0])),
        Body::RuleSetVersion { text } => match RuleSet::parse(text) {
            Err(error) => Some(error.to_string()),
            Ok(set) => crate::rules::settings_fault(&set),
        },
        Body::Disposition(step) => step.fault().map(|(column, what)| format!("{column}: {what}")),
        Body::Event(event) => event.fault().map(|(column, what)| format!("{column}: {what}")),
        Body::Recount { outlet, .. } => statements::fault(None, *outlet, None, registry),
        _ => Some("entries of this kind come from data loggers only".to_owned()),
    }
}
