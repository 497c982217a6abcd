//! Decimal truth: numbers as the logger wrote them, sums without rounding, means as exact fractions.
//! A verdict compares fractions; a rounded figure is only ever shown.

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;
use std::fmt;

/// Decimal places of a [`Sum`].
const SUM_SCALE: u32 = 18;
/// Values must stay below this; table 4 foresees 14 digits, real ones have ten at most. Ten thousand of them still sum in 128 bits.
const VALUE_MAX: i64 = 10_000_000_000;

/// Why a text is no usable number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not `[+-]digits[.digits]`. Exponents are not foreseen (HJ 212-2017 6.3.3).
    #[error("not a decimal number")]
    NotDecimal,
    /// Magnitude of 10^10 or more, or more than 18 decimals.
    #[error("absurd: 10^10 or more, or more than 18 decimals")]
    Absurd,
}

/// Reads a value. The scale is kept: `12.30` is not `12.3`.
///
/// # Errors
/// [`NumberError`] when the text is no number, or an absurd one.
pub fn parse(text: &str) -> Result<Decimal, NumberError> {
    short(text).map_or_else(|| parse_any(text), Ok)
}

/// What loggers usually write: at most 12 digits, in one pass.
fn short(text: &str) -> Option<Decimal> {
    let bytes = text.as_bytes();
    let (negative, digits) = match bytes.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, bytes),
    };
    if digits.is_empty() || digits.len() > 12 {
        return None;
    }
    let (mut mantissa, mut scale, mut point) = (0i64, 0, false);
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                mantissa = mantissa * 10 + i64::from(byte - b'0');
                scale += u32::from(point);
            }
            b'.' if !point && digits.len() > 1 => point = true,
            _ => return None,
        }
    }
    let whole_digits = digits.len() - usize::from(point) - scale as usize;
    (whole_digits <= 9).then(|| Decimal::new(if negative { -mantissa } else { mantissa }, scale))
}

fn parse_any(text: &str) -> Result<Decimal, NumberError> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut seen = (0usize, false, 0u32);
    for byte in digits.bytes() {
        match byte {
            b'0'..=b'9' => seen = (seen.0 + 1, seen.1, seen.2 + u32::from(seen.1)),
            b'.' if !seen.1 => seen.1 = true,
            _ => return Err(NumberError::NotDecimal),
        }
    }
    if seen.0 == 0 {
        return Err(NumberError::NotDecimal);
    }
    if seen.2 > SUM_SCALE || seen.0 > 40 {
        return Err(NumberError::Absurd);
    }
    let value = Decimal::from_str_exact(text).map_err(|_| NumberError::Absurd)?;
    if value.abs() >= Decimal::from(VALUE_MAX) { Err(NumberError::Absurd) } else { Ok(value) }
}

/// An exact sum of values, at 18 decimals in 128 bits: room for ten thousand values below 10^10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sum(i128);

impl Sum {
    /// Adds `weight` times a value that [`parse`] gave.
    pub fn add(&mut self, value: Decimal, weight: u32) {
        let scaled = value.mantissa() * 10i128.pow(SUM_SCALE.saturating_sub(value.scale()));
        self.0 = self.0.checked_add(scaled * i128::from(weight)).expect("parse() bounds every value, so that a day of them fits");
    }

    /// The sum itself.
    #[must_use]
    pub fn exact(self) -> Ratio {
        self.over(1)
    }

    /// The mean over `count`; `None` for none.
    #[must_use]
    pub fn mean(self, count: u32) -> Option<Ratio> {
        (count > 0).then(|| self.over(count))
    }

    fn over(self, count: u32) -> Ratio {
        fraction(self.0, 10u128.pow(SUM_SCALE) * u128::from(count))
    }

    /// The mean over `count`, rounded half to even to so many decimals (at most 18): for rules that look at thousands of means and
    /// decide nothing by their last digit.
    #[must_use]
    pub fn mean_rounded(self, count: u32, decimals: u32) -> Option<Decimal> {
        let unit = 10i128.pow(SUM_SCALE.checked_sub(decimals)?) * i128::from(count);
        let (whole, rest) = (self.0.checked_div_euclid(unit)?, self.0.checked_rem_euclid(unit)?);
        let up = match (2 * rest).cmp(&unit) {
            Ordering::Less => false,
            Ordering::Equal => whole & 1 == 1,
            Ordering::Greater => true,
        };
        Decimal::try_from_i128_with_scale(whole + i128::from(up), decimals).ok().map(|mean| mean.normalize())
    }
}

/// A fraction in lowest terms. Divisors of machine numbers are found without big ones.
fn fraction(numerator: i128, denominator: u128) -> Ratio {
    let divisor = gcd(numerator.unsigned_abs(), denominator).max(1);
    let sign = if numerator < 0 { -1 } else { 1 };
    Ratio(BigRational::new_raw(BigInt::from(numerator.unsigned_abs() / divisor) * sign, BigInt::from(denominator / divisor)))
}

/// The same, of a divisor that may be negative.
fn signed(numerator: i128, denominator: i128) -> Ratio {
    fraction(if denominator < 0 { -numerator } else { numerator }, denominator.unsigned_abs())
}

/// Stein's algorithm.
fn gcd(mut one: u128, mut other: u128) -> u128 {
    if one == 0 || other == 0 {
        return one | other;
    }
    let twos = (one | other).trailing_zeros();
    one >>= one.trailing_zeros();
    while other != 0 {
        other >>= other.trailing_zeros();
        if one > other {
            std::mem::swap(&mut one, &mut other);
        }
        other -= one;
    }
    one << twos
}

/// An exact fraction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ratio(BigRational);

impl Ratio {
    /// The fraction of a decimal.
    #[must_use]
    pub fn of(value: Decimal) -> Self {
        fraction(value.mantissa(), 10u128.pow(value.scale()))
    }

    /// A whole number.
    #[must_use]
    pub fn whole(value: i64) -> Self {
        Self(BigRational::from_integer(BigInt::from(value)))
    }

    /// `self ÷ by`; `None` where `by` is zero.
    #[must_use]
    pub fn divided(&self, by: &Ratio) -> Option<Self> {
        if by.0.is_zero() {
            return None;
        }
        let small = || {
            let ((a, b), (c, d)) = (self.small()?, by.small()?);
            Some(signed(a.checked_mul(d)?, b.checked_mul(c)?))
        };
        Some(small().unwrap_or_else(|| Self(&self.0 / &by.0)))
    }

    /// `self × by`.
    #[must_use]
    pub fn times(&self, by: &Ratio) -> Self {
        let small = || {
            let ((a, b), (c, d)) = (self.small()?, by.small()?);
            Some(signed(a.checked_mul(c)?, b.checked_mul(d)?))
        };
        small().unwrap_or_else(|| Self(&self.0 * &by.0))
    }

    /// `self − other`.
    #[must_use]
    pub fn minus(&self, other: &Ratio) -> Self {
        self.plus(&Self(-other.0.clone()))
    }

    /// `self + other`.
    #[must_use]
    pub fn plus(&self, other: &Ratio) -> Self {
        let small = || {
            let ((a, b), (c, d)) = (self.small()?, other.small()?);
            Some(signed(a.checked_mul(d)?.checked_add(c.checked_mul(b)?)?, b.checked_mul(d)?))
        };
        small().unwrap_or_else(|| Self(&self.0 + &other.0))
    }

    /// Numerator and denominator, where machine numbers hold them.
    fn small(&self) -> Option<(i128, i128)> {
        Some((self.0.numer().to_i128()?, self.0.denom().to_i128()?))
    }

    /// Zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

    /// Without its sign.
    #[must_use]
    pub fn abs(&self) -> Self {
        Self(self.0.abs())
    }

    /// The sum of some fractions.
    #[must_use]
    pub fn sum<'r>(values: impl IntoIterator<Item = &'r Ratio>) -> Self {
        let values: Vec<&Ratio> = values.into_iter().collect();
        Self::halves(&values)
    }

    /// Below zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.0.is_negative()
    }

    /// The arithmetic mean of some fractions; `None` of none.
    #[must_use]
    pub fn mean<'r>(values: impl IntoIterator<Item = &'r Ratio>) -> Option<Self> {
        let values: Vec<&Ratio> = values.into_iter().collect();
        Self::halves(&values).divided(&Self::whole(i64::try_from(values.len()).ok()?))
    }

    /// The sum, half by half: numerators and denominators stay as short as they can be for as long as they can.
    fn halves(values: &[&Ratio]) -> Self {
        match values {
            [] => Self::whole(0),
            [one] => (*one).clone(),
            _ => {
                let (one, other) = values.split_at(values.len() / 2);
                Self::halves(one).plus(&Self::halves(other))
            }
        }
    }

    /// Rounded once, half to even (四舍六入五成双, GB/T 8170-2008), to so many decimals.
    #[must_use]
    pub fn rounded(&self, decimals: u32) -> String {
        let (floor, rest) = (self.0.numer() * BigInt::from(10u8).pow(decimals)).div_mod_floor(self.0.denom());
        let up = match (rest * 2u8).cmp(self.0.denom()) {
            Ordering::Less => false,
            Ordering::Equal => floor.is_odd(),
            Ordering::Greater => true,
        };
        let digits: BigInt = if up { floor + 1 } else { floor };
        let sign = if digits.is_negative() { "-" } else { "" };
        let text = format!("{:0>width$}", digits.abs().to_string(), width = decimals as usize + 1);
        let (whole, fraction) = text.split_at(text.len() - decimals as usize);
        if decimals == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }

    /// The shown figure: four decimals, trailing zeros cut.
    #[must_use]
    pub fn shown(&self) -> String {
        let text = self.rounded(4);
        let text = text.trim_end_matches('0').trim_end_matches('.');
        if text.is_empty() || text == "-0" { "0".to_owned() } else { text.to_owned() }
    }

    /// Numerator and denominator, `12850/153`: the truth behind the shown figure.
    #[must_use]
    pub fn fraction(&self) -> String {
        format!("{}/{}", self.0.numer(), self.0.denom())
    }

    /// Reads [`Ratio::fraction`]'s form.
    #[must_use]
    pub fn parse_fraction(text: &str) -> Option<Self> {
        let (numerator, denominator) = text.split_once('/')?;
        let (numerator, denominator): (BigInt, BigInt) = (numerator.parse().ok()?, denominator.parse().ok()?);
        (!denominator.is_zero()).then(|| Self(BigRational::new(numerator, denominator)))
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.fraction())
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse_fraction(&text).ok_or_else(|| serde::de::Error::custom("not a fraction"))
    }
}

/// Decimals in what is stored (`#[serde(with = "exact")]`): text in documents that people may read, few bytes in others. Both keep the
/// scale and the sign of a zero.
pub mod exact {
    use super::*;

    /// What holds decimals, and how it is carried.
    pub trait Carried: Sized {
        /// As it is written.
        type Form: Serialize + DeserializeOwned;
        /// To be written.
        fn form(&self) -> Self::Form;
        /// As it was read.
        fn of(form: Self::Form) -> Self;
    }

    /// A decimal on its way.
    #[derive(Debug)]
    pub struct Exact(Decimal);

    /// The bit beside the scale that says that a value is negative.
    const NEGATIVE: u8 = 0x80;

    impl Serialize for Exact {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            if serializer.is_human_readable() {
                return Serialize::serialize(&self.0, serializer);
            }
            let sign = if self.0.is_sign_negative() { NEGATIVE } else { 0 };
            (sign | self.0.scale() as u8, self.0.mantissa().unsigned_abs()).serialize(serializer)
        }
    }

    impl<'de> Deserialize<'de> for Exact {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            if deserializer.is_human_readable() {
                return <Decimal as Deserialize>::deserialize(deserializer).map(Self);
            }
            let (scale, mantissa) = <(u8, u128)>::deserialize(deserializer)?;
            let value = i128::try_from(mantissa).ok().and_then(|value| Decimal::try_from_i128_with_scale(value, u32::from(scale & !NEGATIVE)).ok());
            let mut value = value.ok_or_else(|| serde::de::Error::custom("not a decimal"))?;
            value.set_sign_negative(scale & NEGATIVE != 0);
            Ok(Self(value))
        }
    }

    impl Carried for Decimal {
        type Form = Exact;
        fn form(&self) -> Exact {
            Exact(*self)
        }
        fn of(form: Exact) -> Self {
            form.0
        }
    }

    impl Carried for u32 {
        type Form = u32;
        fn form(&self) -> u32 {
            *self
        }
        fn of(form: u32) -> Self {
            form
        }
    }

    impl<T: Carried> Carried for Option<T> {
        type Form = Option<T::Form>;
        fn form(&self) -> Self::Form {
            self.as_ref().map(T::form)
        }
        fn of(form: Self::Form) -> Self {
            form.map(T::of)
        }
    }

    impl<A: Carried, B: Carried> Carried for (A, B) {
        type Form = (A::Form, B::Form);
        fn form(&self) -> Self::Form {
            (self.0.form(), self.1.form())
        }
        fn of((one, other): Self::Form) -> Self {
            (A::of(one), B::of(other))
        }
    }

    /// Writes decimals.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<T: Carried, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        value.form().serialize(serializer)
    }

    /// Reads decimals.
    ///
    /// # Errors
    /// The deserializer's, and what is no decimal.
    pub fn deserialize<'de, T: Carried, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        T::Form::deserialize(deserializer).map(T::of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        parse(text).expect("a decimal")
    }

    #[test]
    fn a_value_keeps_the_scale_it_was_written_with() {
        assert_eq!(decimal("12.30").to_string(), "12.30");
        assert_eq!(decimal("-0.5").to_string(), "-0.5");
        for wrong in ["", ".", "1e3", "1_0", "0x1", "1.2.3", "N", "--1", " 1"] {
            assert_eq!(parse(wrong), Err(NumberError::NotDecimal), "{wrong:?}");
        }
        assert_eq!(parse("10000000000"), Err(NumberError::Absurd));
        assert_eq!(parse("0.1234567890123456789"), Err(NumberError::Absurd));
        assert_eq!(parse(&"9".repeat(400)), Err(NumberError::Absurd));
        assert!(parse("9999999999.123456789012345678").is_ok());
    }

    #[test]
    fn the_short_way_reads_what_the_long_way_reads() {
        for text in [
            "0",
            "-0",
            "0.5",
            ".5",
            "5.",
            "12.30",
            "-12.30",
            "999999999",
            "1234567890",
            "123456789.12",
            "00012.5",
            "+1",
            "-",
            ".",
            "-.",
            "1.2.3",
            "12a",
        ] {
            assert_eq!(parse(text).map(|value| value.to_string()), parse_any(text).map(|value| value.to_string()), "{text:?}");
        }
    }

    #[test]
    fn means_are_exact_and_rounding_is_half_to_even_once() {
        let mut sum = Sum::default();
        for text in ["0.1", "0.2", "0.3"] {
            sum.add(decimal(text), 1);
        }
        assert_eq!(sum.mean(3).expect("three"), Ratio::of(decimal("0.2")));
        assert_eq!(Sum::default().mean(0), None);
        for (value, limit_decimals, shown) in
            [("35.3", 0, "35"), ("35.5", 0, "36"), ("34.5", 0, "34"), ("50.5", 0, "50"), ("0.505", 2, "0.50"), ("-0.5", 0, "0"), ("-1.5", 0, "-2")]
        {
            assert_eq!(Ratio::of(decimal(value)).rounded(limit_decimals), shown, "{value}");
        }
        assert_eq!(Ratio::whole(1).divided(&Ratio::whole(3)).expect("not by zero").shown(), "0.3333");
        assert_eq!(Ratio::whole(40).shown(), "40");
    }

    #[test]
    fn decimals_keep_their_scale_and_the_sign_of_a_zero_in_text_and_in_bytes() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Held {
            #[serde(with = "exact")]
            value: Option<Decimal>,
            #[serde(with = "exact")]
            run: Option<(Decimal, u32)>,
        }
        let text = |held: &Held| (held.value.map(|value| value.to_string()), held.run.map(|(value, _)| value.to_string()));
        for (value, run) in [("12.30", "-0.5"), ("-0.0", "9999999999.999999999999999999"), ("0", "-0")] {
            let decimal = |text: &str| Decimal::from_str_exact(text).expect("a decimal");
            let held = Held { value: Some(decimal(value)), run: Some((decimal(run), 60)) };
            let bytes = postcard::to_allocvec(&held).expect("it serialises");
            let read: Held = postcard::from_bytes(&bytes).expect("it can be read");
            let document = serde_json::to_string(&held).expect("it serialises");
            assert_eq!(document, format!(r#"{{"value":"{}","run":["{}",60]}}"#, decimal(value), decimal(run)));
            let reread: Held = serde_json::from_str(&document).expect("it can be read");
            assert_eq!((text(&read), text(&reread)), (text(&held), text(&held)));
        }
        let none = Held { value: None, run: None };
        assert_eq!(postcard::to_allocvec(&none).expect("it serialises").len(), 2);
    }
}
