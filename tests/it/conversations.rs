//! Plays every script of `protocol-fixtures/conversations/` against a link whose store is always ready.
//! The format is described in that folder's README.

use hj212d::domain::Mn;
use hj212d::link::{Admission, Admissions, Admitted, ConnectionId, Limits, Link, Output};
use hj212d::protocol::packet::Packet;
use hj212d::protocol::sm4::Key;
use hj212d::protocol::{CrcDialect, Edition, encode, frame};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// One script being played.
struct Play<'s> {
    admissions: Admissions,
    link: Link,
    now_ms: u64,
    said: Vec<String>,
    kept: Vec<String>,
    stored: BTreeSet<Vec<u8>>,
    script: &'s str,
}

#[test]
fn every_scripted_conversation_goes_as_written() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/protocol-fixtures/conversations");
    let mut played = 0;
    let mut failures = Vec::new();
    let mut files: Vec<_> = std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    for path in files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "txt")) {
        let script = std::fs::read_to_string(&path).expect("UTF-8 text");
        played += 1;
        if let Err(failure) = play(&script) {
            failures.push(format!("{}: {failure}", path.file_name().expect("a name").to_string_lossy()));
        }
    }
    assert!(failures.is_empty(), "{} of {played} conversations go otherwise:\n{}", failures.len(), failures.join("\n"));
    assert!(played >= 60, "{played}");
}

fn play(script: &str) -> Result<(), String> {
    let mut play = Play {
        admissions: Admissions::default(),
        link: Link::new(ConnectionId(1), Limits::default(), 0),
        now_ms: 0,
        said: Vec::new(),
        kept: Vec::new(),
        stored: BTreeSet::new(),
        script,
    };
    let lines: Vec<&str> = script.lines().collect();
    let comments = lines.iter().take_while(|line| line.starts_with('#')).count();
    if comments < 2 || !lines[1].starts_with("# Provenance: ") {
        return Err("the first line says what it shows, the second its provenance".to_owned());
    }
    for (number, line) in lines.iter().enumerate() {
        play.line(line).map_err(|failure| format!("line {}: {failure}", number + 1))?;
    }
    play.quiet().map_err(|failure| format!("at the end: {failure}"))
}

impl Play<'_> {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if line.trim().is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let (kind, rest) = line.split_once(": ").or_else(|| line.split_once(':')).ok_or("no colon")?;
        match kind {
            "R" => self.register(rest),
            "D" => {
                self.quiet_answers()?;
                self.send(&encode::frame(rest.as_bytes()));
                Ok(())
            }
            "D!" => {
                self.quiet_answers()?;
                let bytes = unescape(rest)?;
                self.send(&bytes);
                Ok(())
            }
            "H" if rest == "-" => self.quiet_answers(),
            "H" => {
                if self.said.is_empty() {
                    return Err(format!("the host says nothing, expected {rest}"));
                }
                expect(&self.said.remove(0), rest)
            }
            "S" if rest == "nothing" => {
                if self.kept.is_empty() {
                    Ok(())
                } else {
                    Err(format!("kept {:?}, expected nothing", self.kept))
                }
            }
            "S" => {
                if self.kept.is_empty() {
                    return Err(format!("nothing kept, expected {rest}"));
                }
                let kept = self.kept.remove(0);
                // A script may leave the MN out.
                if kept == rest || kept.starts_with(&format!("{rest} mn=")) { Ok(()) } else { Err(format!("kept {kept:?}, expected {rest:?}")) }
            }
            "T" => {
                let seconds: u64 = rest.trim_start_matches('+').trim_end_matches('s').parse().map_err(|_| "T: +10s")?;
                self.now_ms += seconds * 1000;
                Ok(())
            }
            "C" => {
                let mut out = Vec::new();
                self.link.close(&self.admissions, &mut out);
                self.link = Link::new(ConnectionId(2), Limits::default(), self.now_ms);
                Ok(())
            }
            _ => Err(format!("unknown line {kind}")),
        }
    }

    fn register(&mut self, rest: &str) -> Result<(), String> {
        let mut row = Admission::default();
        let mut mn = None;
        for word in rest.split_whitespace() {
            let (name, value) = word.split_once('=').ok_or("name=value")?;
            match name {
                "mn" => mn = Mn::new(value),
                "pw" => row.password = value.to_owned(),
                "crc" => row.dialect = CrcDialect::parse(value).ok_or("crc")?,
                "edition" => drop(Edition::parse(value).ok_or("edition")?),
                "sm4" => row.keys.push(Key::parse(&value.replace(':', "=")).ok_or("sm4")?),
                _ => return Err(format!("unknown {name}")),
            }
        }
        self.admissions.loggers.insert(mn.ok_or("mn")?, row);
        Ok(())
    }

    fn send(&mut self, bytes: &[u8]) {
        let mut out = Vec::new();
        self.link.receive(bytes, self.now_ms, &self.admissions, &mut out);
        for output in out {
            match output {
                Output::Frame { bytes, mn, admitted, debt } => {
                    self.kept.push(match admitted {
                        Admitted::Accepted => {
                            let found = frame::whole(&bytes).expect("a kept frame frames again");
                            let (packet, _) = self.admissions.read(&bytes, &found).expect("a kept frame decodes again");
                            let word = if self.stored.insert(bytes.to_vec()) { "frame" } else { "repeat" };
                            format!("{word} cn={} mn={}", packet.cn().unwrap_or_default(), mn.map(|mn| mn.to_string()).unwrap_or_default())
                        }
                        other => format!("quarantine {}", other.name()),
                    });
                    self.said.extend(debt.map(|debt| segment(&debt.settle().answer)));
                }
                Output::Rejected { reason, .. } => self.kept.push(format!("rejected {reason}")),
                Output::Noticed(_) => {}
                Output::Close(reason) => self.kept.push(format!("closed {}", reason.name())),
            }
        }
    }

    fn quiet_answers(&self) -> Result<(), String> {
        if self.said.is_empty() { Ok(()) } else { Err(format!("the host also says {:?}", self.said)) }
    }

    fn quiet(&self) -> Result<(), String> {
        self.quiet_answers()?;
        if self.script.contains("\nS:") && !self.kept.is_empty() {
            return Err(format!("also kept {:?}", self.kept));
        }
        Ok(())
    }
}

/// The segment of an answer, which must be well framed in the strict sense.
fn segment(answer: &[u8]) -> String {
    let found = frame::whole(answer).expect("the host frames its answers");
    assert!(answer.ends_with(b"\r\n") && found.quirks.is_empty(), "an answer is exact");
    let packet = Packet::read(Cow::Borrowed(std::str::from_utf8(&answer[found.segment.clone()]).expect("text")), found.quirks, None);
    packet.text().to_owned()
}

fn expect(found: &str, expected: &str) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("the host says\n    {found}\n  expected\n    {expected}")) }
}

fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let (&kind, after) = rest.split_first().ok_or("a lone backslash")?;
        rest = after;
        match kind {
            b'r' => bytes.push(b'\r'),
            b'n' => bytes.push(b'\n'),
            b'\\' => bytes.push(b'\\'),
            b'x' => {
                let hex = rest.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()).ok_or("\\xHH")?;
                bytes.push(u8::from_str_radix(hex, 16).map_err(|_| "\\xHH")?);
                rest = &rest[2..];
            }
            other => return Err(format!("unknown escape {}", char::from(other))),
        }
    }
    Ok(bytes)
}
