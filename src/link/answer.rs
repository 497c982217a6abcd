//! Which answer a packet is owed, by the edition it speaks (HJ 212-2017 6.1, table 9, C.14; HJ/T 212-2005 C ex. 6, 10).
//!
//! ```text
//! 2017, 2025   Upload, bit 0        → 9014, ST=91, same QN, PW, MN, Flag 4 or 8
//!              Notification, bit 0  → 9013, the same form
//! 2005         Upload that asks     → 9014 with QN and CN inside CP; parts repeat PNO and PNUM and a trailing ;
//!              Notification (2072)  → 9013 with QN inside CP
//!              9012 of an acknowledged exchange → 9014
//! ```
//!
//! A 2005 upload asks by bit 0 of its Flag, or because the 9011 of its exchange announced it (Flag 1 or 3).

use crate::protocol::catalogue::{self, Role};
use crate::protocol::encode::Segment;
use crate::protocol::{Edition, Packet};

/// 2005 exchanges whose 9011 announced that data want answers. A logger has one or two open; the oldest gives way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Announced {
    qns: Vec<String>,
}

const ANNOUNCED_MAX: usize = 4;

impl Announced {
    fn note(&mut self, packet: &Packet<'_>) {
        let announces = packet.edition() == Edition::Y2005 && packet.cn() == Some("9011") && packet.asks();
        if let (true, Some(qn)) = (announces, packet.qn().filter(|qn| qn.len() <= 32)) {
            if self.qns.len() == ANNOUNCED_MAX {
                self.qns.remove(0);
            }
            self.qns.push(qn.to_owned());
        }
    }

    fn holds(&self, qn: Option<&str>) -> bool {
        qn.is_some_and(|qn| self.qns.iter().any(|known| known == qn))
    }
}

/// The framed answer, if one is owed.
pub(super) fn answer(packet: &Packet<'_>, announced: &mut Announced) -> Option<Vec<u8>> {
    announced.note(packet);
    let cn = packet.cn()?;
    let role = catalogue::find(cn, packet.edition()).map(|command| command.up);
    match packet.edition() {
        Edition::Y2005 => answer_2005(packet, cn, role, announced),
        edition => {
            let answer_cn = match role {
                _ if cn == "9021" => "9022",
                Some(None | Some(Role::Answer | Role::Request)) => return None,
                Some(Some(Role::Notification)) => "9013",
                Some(Some(Role::Upload)) | None => "9014",
            };
            if !packet.asks() {
                return None;
            }
            let area = if answer_cn == "9022" { "Logon=1" } else { "" };
            let segment = Segment {
                qn: packet.header_qn(),
                st: "91",
                cn: answer_cn,
                pw: packet.pw(),
                mn: packet.mn(),
                flag: edition.answer_flag(),
                area,
                ..Segment::default()
            };
            Some(segment.frame())
        }
    }
}

fn answer_2005(packet: &Packet<'_>, cn: &str, role: Option<Option<Role>>, announced: &Announced) -> Option<Vec<u8>> {
    let qn = packet.qn().map_or(String::new(), |qn| format!("QN={qn}"));
    if role == Some(Some(Role::Notification)) {
        // C ex. 10 prints the full header here, and answers although the notification's Flag is 0.
        let segment = Segment { st: "91", cn: "9013", pw: packet.pw(), mn: packet.mn(), flag: Some(0), area: &qn, ..Segment::default() };
        return Some(segment.frame());
    }
    let asks = packet.asks() || announced.holds(packet.qn());
    let owed = match role {
        Some(Some(Role::Answer)) => cn == "9012" && announced.holds(packet.qn()),
        Some(None | Some(Role::Request)) => false,
        _ => asks,
    };
    if !owed {
        return None;
    }
    let separator = if qn.is_empty() { "" } else { ";" };
    let parts = match (packet.pno(), packet.pnum()) {
        (Some(number), Some(count)) => format!(";PNO={number};PNUM={count};"),
        _ => String::new(),
    };
    let area = format!("{qn}{separator}CN={cn}{parts}");
    Some(Segment { st: "91", cn: "9014", area: &area, ..Segment::default() }.frame())
}
