//! Sub-packets (拆分包, HJ 212-2017 C.49, C.50) put together. Each part is a complete packet with its own QN, cut between
//! factors, and its values are used as they come; what is kept here is which parts of a message have arrived.
//!
//! The message is (ST, CN, DataTime, PNUM) of one logger, never the QN: the parts of one message carry different QNs.
//! Parts may come doubled, interleaved with others, in any order, and over a new connection.

use super::packet::{Packet, Part};
use std::collections::VecDeque;

/// Messages that one logger may have open at a time; the oldest gives way.
pub const OPEN_MAX: usize = 8;
/// The largest PNUM whose parts are followed (HJ 212-2025: 9; 2017 leaves four digits).
pub const COUNT_MAX: u16 = 256;

/// The messages of one logger that still wait for parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parts {
    open: VecDeque<Message>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Message {
    key: String,
    count: u16,
    seen: [u64; 4],
    fields: Vec<(u16, Vec<(String, String)>)>,
}

/// What a part meant for its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// Not a part of anything.
    Whole,
    /// More parts are to come.
    Waiting {
        /// Parts still missing.
        missing: Vec<u16>,
    },
    /// This part had come before.
    Doubled,
    /// The last missing part came: the pairs of all parts in the order of their numbers, `DataTime` once.
    Complete {
        /// Name and value.
        pairs: Vec<(String, String)>,
    },
}

/// A message that was given up because newer ones came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// ST, CN and DataTime.
    pub message: String,
    /// The parts that never came.
    pub missing: Vec<u16>,
}

impl Parts {
    /// Takes a packet and says what it completes, and which older message it pushed out.
    pub fn take(&mut self, packet: &Packet<'_>) -> (Arrival, Option<Lost>) {
        let Some(Part { number, count }) = packet.part().filter(|part| part.count > 1 && part.count <= COUNT_MAX) else {
            return (Arrival::Whole, None);
        };
        let key = [packet.st(), packet.cn(), packet.value("DataTime")].map(Option::unwrap_or_default).join("/");
        let at = self.open.iter().position(|message| message.key == key && message.count == count);
        let mut lost = None;
        let at = at.unwrap_or_else(|| {
            if self.open.len() == OPEN_MAX {
                lost = self.open.pop_front().map(|message| Lost { missing: message.missing(), message: message.key });
            }
            self.open.push_back(Message { key, count, seen: [0; 4], fields: Vec::new() });
            self.open.len() - 1
        });
        let message = &mut self.open[at];
        let (word, bit) = (usize::from(number - 1) / 64, 1u64 << ((number - 1) % 64));
        if message.seen[word] & bit != 0 {
            return (Arrival::Doubled, lost);
        }
        message.seen[word] |= bit;
        message.fields.push((number, packet.pairs().map(|pair| (pair.name.to_owned(), pair.value.to_owned())).collect()));
        let missing = message.missing();
        if !missing.is_empty() {
            return (Arrival::Waiting { missing }, lost);
        }
        let pairs = self.open.remove(at).map(Message::joined).unwrap_or_default();
        (Arrival::Complete { pairs }, lost)
    }

    /// Messages that still wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.open.len()
    }
}

impl Message {
    fn missing(&self) -> Vec<u16> {
        (1..=self.count).filter(|number| self.seen[usize::from(number - 1) / 64] & 1 << ((number - 1) % 64) == 0).collect()
    }

    fn joined(mut self) -> Vec<(String, String)> {
        self.fields.sort_by_key(|(number, _)| *number);
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (_, fields) in self.fields {
            pairs.extend(fields);
        }
        let mut times = 0;
        pairs.retain(|(name, _)| {
            times += usize::from(name == "DataTime");
            name != "DataTime" || times == 1
        });
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::quirk::QuirkSet;
    use std::borrow::Cow;

    fn part(number: u16, count: u16, qn: &str, area: &str) -> Packet<'static> {
        let text = format!("QN={qn};ST=32;CN=2061;PW=123456;MN=M1;Flag=7;PNUM={count};PNO={number};CP=&&DataTime=20160801080000;{area}&&");
        Packet::read(Cow::Owned(text), QuirkSet::default(), None)
    }

    #[test]
    fn parts_with_different_qns_complete_a_message_in_any_order() {
        let mut parts = Parts::default();
        let (arrival, _) = parts.take(&part(2, 2, "20160801090000535", "w01018-Avg=2"));
        assert_eq!(arrival, Arrival::Waiting { missing: vec![1] });
        let (arrival, _) = parts.take(&part(2, 2, "20160801090000536", "w01018-Avg=2"));
        assert_eq!(arrival, Arrival::Doubled);
        let (arrival, _) = parts.take(&part(1, 2, "20160801090000534", "w01001-Avg=7"));
        let names: Vec<_> = match &arrival {
            Arrival::Complete { pairs } => pairs.iter().map(|(name, _)| name.as_str()).collect(),
            other => panic!("{other:?}"),
        };
        assert_eq!(names, ["DataTime", "w01001-Avg", "w01018-Avg"]);
        assert_eq!(parts.waiting(), 0);
    }

    #[test]
    fn the_oldest_of_too_many_open_messages_is_given_up_with_what_it_lacked() {
        let mut parts = Parts::default();
        for hour in 0..=OPEN_MAX {
            let text = format!("ST=32;CN=2061;MN=M1;Flag=6;PNUM=3;PNO=2;CP=&&DataTime=201608010{hour}0000&&");
            let (_, lost) = parts.take(&Packet::read(Cow::Owned(text), QuirkSet::default(), None));
            let expected = (hour == OPEN_MAX).then(|| Lost { message: "32/2061/20160801000000".to_owned(), missing: vec![1, 3] });
            assert_eq!(lost, expected);
        }
        assert_eq!(parts.waiting(), OPEN_MAX);
    }
}
