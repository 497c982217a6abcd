//! Shards (分片): which part of a monitoring centre's outlets one engine has. The key of a packet is its logger's site, so that all
//! loggers of a site meet in one engine; what no site has is its own key.

/// One of so many shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    number: u32,
    of: u32,
}

impl Shard {
    /// Shard `number` of `of`; none where there is no such shard.
    #[must_use]
    pub fn new(number: u32, of: u32) -> Option<Self> {
        (number < of).then_some(Self { number, of })
    }

    /// Counted from 0.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.number
    }

    /// How many there are.
    #[must_use]
    pub const fn of(self) -> u32 {
        self.of
    }

    /// Whether a key is this shard's.
    #[must_use]
    pub fn owns(self, key: &str) -> bool {
        shard_of(key, self.of) == self.number
    }
}

/// The shard of a key among `of`: as Kafka's own clients choose a partition.
#[must_use]
pub fn shard_of(key: &str, of: u32) -> u32 {
    (murmur2(key.as_bytes()) & 0x7fff_ffff) % of.max(1)
}

/// Kafka's hash of a key: `org.apache.kafka.common.utils.Utils.murmur2`.
fn murmur2(bytes: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mix = |word: u32| {
        let word = word.wrapping_mul(M);
        (word ^ (word >> 24)).wrapping_mul(M)
    };
    let mut hash = 0x9747_b28c ^ bytes.len() as u32;
    let (words, rest) = bytes.as_chunks::<4>();
    for word in words {
        hash = hash.wrapping_mul(M) ^ mix(u32::from_le_bytes(*word));
    }
    if !rest.is_empty() {
        let tail = rest.iter().rev().fold(0, |tail, byte| tail << 8 | u32::from(*byte));
        hash = (hash ^ tail).wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_hashed_as_kafka_does() {
        // The values that Kafka's own test of its hash names (UtilsTest.testMurmur2).
        for (key, hash) in [
            ("21", -973_932_308_i32),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()) as i32, hash, "{key}");
        }
    }

    #[test]
    fn every_key_is_one_shards() {
        for key in ["S001", "S002", "", "示例"] {
            assert_eq!((0..12).filter(|number| Shard::new(*number, 12).expect("below 12").owns(key)).count(), 1);
        }
        assert_eq!(Shard::new(12, 12), None);
    }
}
