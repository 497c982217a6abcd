//! Events as JSON lines, one file per topic, in the order of the outbox.

use super::DeliverError;
use crate::message::{Event, Topic};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The files, opened as they are needed.
#[derive(Debug)]
pub struct JsonLines {
    folder: PathBuf,
    files: BTreeMap<Topic, File>,
}

impl JsonLines {
    /// Writes into `folder`, which is made if it is not there.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), files: BTreeMap::new() }
    }

    /// Appends events and syncs every file that got some.
    ///
    /// # Errors
    /// A file cannot be made, written or synced: none of the events counts as delivered.
    pub fn append<'e>(&mut self, events: impl Iterator<Item = &'e Event>) -> Result<(), DeliverError> {
        let mut lines: BTreeMap<Topic, Vec<u8>> = BTreeMap::new();
        for event in events {
            let bytes = lines.entry(event.topic).or_default();
            bytes.extend_from_slice(&serde_json::to_vec(event).unwrap_or_default());
            bytes.push(b'\n');
        }
        for (topic, bytes) in lines {
            let path = self.folder.join(format!("{}.jsonl", topic.name()));
            let result = self.write(topic, &path, &bytes);
            if let Err(error) = result {
                self.files.clear();
                return Err(DeliverError::File { path, error });
            }
        }
        Ok(())
    }

    fn write(&mut self, topic: Topic, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
        let file = match self.files.entry(topic) {
            std::collections::btree_map::Entry::Occupied(file) => file.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => {
                std::fs::create_dir_all(&self.folder)?;
                let mut file = File::options().append(true).read(true).create(true).open(path)?;
                // A line that a crash cut short is ended, so that the next one stands alone.
                let len = file.metadata()?.len();
                if len > 0 {
                    file.seek(SeekFrom::Start(len - 1))?;
                    let mut last = [0];
                    file.read_exact(&mut last)?;
                    if last != *b"\n" {
                        file.write_all(b"\n")?;
                    }
                }
                place.insert(file)
            }
        };
        file.write_all(bytes)?;
        file.sync_data()
    }
}
