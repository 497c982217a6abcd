//! SM4-ECB without padding over the data area (HJ 212-2025 §6.4.2, Annex A.2): blocks of 16 bytes are encrypted, a
//! remainder shorter than 16 stays in clear at the end. The check of the packet is over the plaintext.

use sm4::Sm4;
use sm4::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};

/// A key and the name by which evidence refers to it. The key never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    id: String,
    bytes: [u8; 16],
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({}, …)", self.id)
    }
}

impl Key {
    /// A key of 16 bytes under a name of the register's choice.
    #[must_use]
    pub fn new(id: &str, bytes: [u8; 16]) -> Self {
        Self { id: id.to_owned(), bytes }
    }

    /// Reads `name=32 hex digits`, as the register writes it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (id, hex) = text.split_once('=')?;
        let digits = hex.trim().as_bytes();
        if id.trim().is_empty() || digits.len() != 32 || !digits.is_ascii() {
            return None;
        }
        let mut bytes = [0u8; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self::new(id.trim(), bytes))
    }

    /// The name by which evidence refers to this key.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Decrypts the whole blocks of `area` in place.
    pub fn decrypt(&self, area: &mut [u8]) {
        let cipher = Sm4::new(&Array::from(self.bytes));
        for block in area.as_chunks_mut::<16>().0 {
            let mut work = Array::from(*block);
            cipher.decrypt_block(&mut work);
            *block = work.into();
        }
    }

    /// Encrypts the whole blocks of `area` in place.
    pub fn encrypt(&self, area: &mut [u8]) {
        let cipher = Sm4::new(&Array::from(self.bytes));
        for block in area.as_chunks_mut::<16>().0 {
            let mut work = Array::from(*block);
            cipher.encrypt_block(&mut work);
            *block = work.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_2025_example_4_leaves_its_short_tail_in_clear() {
        let key = Key::new("k", [0x30; 16]);
        let plain = b"DataTime=20240520210600;a01011-Min=1.35,a01011-Avg=1.35,a01011-Max=1.35,a01011-Flag=N;a01014-Min=3.20,a01014-Avg=3.20,a01014-Max=3.20,a01014-Flag=N";
        let mut area = plain.to_vec();
        key.encrypt(&mut area);
        assert_eq!(&area[..4], [0xE4, 0x3E, 0x15, 0x9A]);
        assert_eq!(&area[128..132], [0xEF, 0x70, 0x12, 0x85]);
        assert_eq!(&area[144..], b"g=N");
        key.decrypt(&mut area);
        assert_eq!(area, plain);
    }

    #[test]
    fn a_key_is_read_from_the_register_and_never_prints() {
        let key = Key::parse("k1=30303030303030303030303030303030").expect("a well formed key");
        assert_eq!(key, Key::new("k1", [0x30; 16]));
        assert_eq!(format!("{key:?}"), "Key(k1, …)");
        assert!(Key::parse("k1=3030").is_none());
    }
}
