//! What a packet says that is no measured value: parameters, checks, restarts, states of the plant (HJ 212-2017 C.34–C.45;
//! HJ 212-2025 C36, C59). Kept with the outlet's day, in the order of their own time.

use super::reading::PacketRef;
use super::time::Moment;
use super::{FactorCode, OutletId};
use serde::{Deserialize, Serialize};

/// Facts that an outlet's day keeps; the rest is in the journal. States and log lines make room for parameters, checks and restarts, and what
/// is later for what is earlier: what is left does not depend on the order of arrival.
pub const FACTS_MAX: usize = 200;
/// Longest text of a fact, in bytes.
const TEXT_MAX: usize = 120;

/// One fact of one outlet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// Where.
    pub outlet: OutletId,
    /// Its own time (DataTime); for a bad stamp the arrival.
    pub at: Moment,
    /// What.
    pub kind: FactKind,
    /// Which packet said so.
    pub from: PacketRef,
}

/// What was said.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum FactKind {
    /// 3020: a parameter, a state or a log line (Annex B.10), of an instrument or of the logger.
    Information {
        /// Whose instrument; none: the logger's, a door's.
        factor: Option<FactorCode>,
        /// `i13004`.
        id: String,
        /// As sent.
        value: String,
    },
    /// 3019: the instrument's serial number.
    Instrument {
        /// Whose.
        factor: Option<FactorCode>,
        /// As sent.
        serial: String,
    },
    /// 2062: an automatic standard-sample check.
    Check {
        /// Of what.
        factor: FactorCode,
        /// Measured, as sent.
        measured: String,
        /// What the sample holds, as sent.
        nominal: String,
        /// `1` passed, `0` failed.
        result: String,
    },
    /// 2081: the logger started.
    Restart,
    /// A state of the plant in letters or numbers: ST 45 (`p99101` `St`), 2021 (`SB1` `1`). Only changes are kept.
    Condition {
        /// Of what.
        code: String,
        /// As sent.
        word: String,
    },
    /// Values of one hour of arrival whose stamp lies in the future or off the grid of its CN.
    OddStamps {
        /// Off the grid.
        off_grid: u32,
        /// In the future.
        future: u32,
    },
}

/// Of what a state is: its kind, whose instrument, which code.
type StatePlace<'f> = (u8, Option<FactorCode>, &'f str);

impl FactKind {
    /// What stays until it is said otherwise: of what, and what is said. Of these only changes are kept.
    fn state(&self) -> Option<(StatePlace<'_>, &str)> {
        match self {
            Self::Information { factor, id, value } => Some(((0, *factor, id), value)),
            Self::Instrument { factor, serial } => Some(((1, *factor, ""), serial)),
            Self::Condition { code, word } => Some(((2, None, code), word)),
            Self::Check { .. } | Self::Restart | Self::OddStamps { .. } => None,
        }
    }

    /// A state or a line of a log: what 3020 says that is no parameter (i13…).
    fn is_spare(&self) -> bool {
        matches!(self, Self::Information { id, .. } if !id.get(..3).is_some_and(|head| head.eq_ignore_ascii_case("i13")))
    }

    /// A text as long as is kept.
    #[must_use]
    pub fn text(text: &str) -> String {
        let mut end = text.len().min(TEXT_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text[..end].trim().to_owned()
    }
}

/// Enters a fact among those of its day. Entering it again changes nothing, and neither does the order of arrival, but for bad
/// stamps, which count arrivals. Says whether the day has one more: a count that rises is written when its hour closes.
pub fn enter_fact(facts: &mut Vec<Fact>, fact: &Fact) -> bool {
    if let FactKind::OddStamps { off_grid, future } = fact.kind {
        let known = facts.iter_mut().find(|known| known.at == fact.at && matches!(known.kind, FactKind::OddStamps { .. }));
        if let Some(known) = known {
            if known.from.sequence >= fact.from.sequence {
                return false;
            }
            known.from = fact.from;
            if let FactKind::OddStamps { off_grid: known_off, future: known_future } = &mut known.kind {
                (*known_off, *known_future) = (*known_off + off_grid, *known_future + future);
            }
            return false;
        }
    }
    let key = |fact: &Fact| (fact.at, fact.kind.clone());
    let place = match facts.binary_search_by_key(&key(fact), key) {
        Ok(_) => return false,
        Err(place) => place,
    };
    if let Some((place_of, word)) = fact.kind.state() {
        let same_place =
            |known: &&Fact| known.kind.state().is_some_and(|(known_place, _)| known_place == place_of) && known.from.rank == fact.from.rank;
        let says = |known: &Fact| known.kind.state().is_some_and(|(_, known)| known == word);
        if facts[..place].iter().rfind(same_place).is_some_and(says) {
            return false;
        }
        let later = facts[place..].iter().position(|known| same_place(&known)).map(|at| place + at);
        if let Some(later) = later.filter(|later| says(&facts[*later])) {
            facts.remove(later);
        }
    }
    facts.insert(place, fact.clone());
    if facts.len() > FACTS_MAX {
        // Of equals in time the later one in the order of the list.
        let last = (0..facts.len()).max_by_key(|at| (facts[*at].kind.is_spare(), *at)).expect("not empty");
        facts.remove(last);
        return last != place;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(minute: i64, word: &str) -> Fact {
        let kind = FactKind::Condition { code: "p99101".to_owned(), word: word.to_owned() };
        Fact { outlet: OutletId::known("S1"), at: Moment(minute * 60_000), kind, from: PacketRef { rank: 1, qn: 0, sequence: 1 } }
    }

    #[test]
    fn what_there_is_no_room_for_does_not_depend_on_the_order_of_arrival() {
        let line = |minute: i64| {
            let kind = FactKind::Information { factor: None, id: "i11001".to_owned(), value: minute.to_string() };
            Fact { outlet: OutletId::known("S1"), at: Moment(minute * 60_000), kind, from: PacketRef { rank: 1, qn: 0, sequence: 1 } }
        };
        let check = Fact { kind: FactKind::Restart, ..line(1000) };
        let said: Vec<Fact> = (0..FACTS_MAX as i64 + 5).map(line).chain([check.clone()]).collect();
        let kept = |said: Vec<Fact>| {
            let mut facts = Vec::new();
            for fact in &said {
                enter_fact(&mut facts, fact);
            }
            facts
        };
        let facts = kept(said.clone());
        assert_eq!((facts.len(), facts.last()), (FACTS_MAX, Some(&check)), "a restart is kept, whatever the log says");
        assert_eq!(facts[FACTS_MAX - 2], line(FACTS_MAX as i64 - 2), "and of the log what came first");
        assert_eq!(kept(said.into_iter().rev().collect()), facts);
    }

    #[test]
    fn of_a_state_only_its_changes_are_kept_whatever_the_order_of_arrival() {
        let said = [(0, "N"), (1, "N"), (2, "St"), (3, "St"), (4, "N"), (5, "N")].map(|(minute, word)| condition(minute, word));
        let mut forwards = Vec::new();
        let mut backwards = Vec::new();
        for fact in &said {
            enter_fact(&mut forwards, fact);
        }
        for fact in said.iter().rev() {
            enter_fact(&mut backwards, fact);
        }
        assert_eq!(forwards, backwards);
        assert_eq!(forwards.iter().map(|fact| fact.at.0 / 60_000).collect::<Vec<_>>(), [0, 2, 4]);
        assert!(said.iter().all(|fact| !enter_fact(&mut forwards, fact)), "said again, nothing changes");
    }
}
