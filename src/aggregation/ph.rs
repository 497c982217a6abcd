//! pH means (averaging-and-validity §8.4, worked example A10): the mean of the hydrogen ions, −log₁₀ of the mean of 10^−pH.
//!
//! Integers only, so that no verdict hangs on a floating-point library: powers of ten with 40 digits, built digit by digit
//! from tenth roots. Values count to four decimals, results to six.

use crate::domain::number::{self, Ratio};
use num_bigint::BigUint;
use num_traits::Zero;
use std::sync::LazyLock;

/// Digits of the fixed-point numbers below 1.
const DIGITS: u32 = 40;
/// Decimals of a result, and one more to round by.
const PLACES: usize = 7;

fn one() -> BigUint {
    BigUint::from(10u8).pow(DIGITS)
}

/// `TENTHS[i][d]` = 10^(−d / 10^(i+1)).
static TENTHS: LazyLock<Vec<Vec<BigUint>>> = LazyLock::new(|| {
    let mut base = BigUint::from(10u8).pow(DIGITS - 1);
    let mut table = Vec::with_capacity(PLACES);
    for _ in 0..PLACES {
        // x^(1/10) at scale 10^40: the tenth root of x × 10^(9 × 40).
        base = (&base * BigUint::from(10u8).pow(9 * DIGITS)).nth_root(10);
        let mut row = vec![one()];
        for digit in 1..10 {
            row.push(&row[digit - 1] * &base / one());
        }
        table.push(row);
    }
    table
});

/// 10^−pH of a value of four decimals; none below 0 or above 20.
fn ions(value: &Ratio) -> Option<BigUint> {
    let text = value.rounded(4);
    let (whole, fraction) = text.split_once('.')?;
    let whole: u32 = whole.parse().ok().filter(|whole| *whole <= 20)?;
    let mut power = one() / BigUint::from(10u8).pow(whole);
    for (place, digit) in fraction.bytes().enumerate() {
        power = power * &TENTHS[place][usize::from(digit - b'0')] / one();
    }
    Some(power)
}

/// The H⁺ mean of some pH values, to six decimals; none of none.
#[must_use]
pub fn mean<'r>(values: impl IntoIterator<Item = &'r Ratio>) -> Option<Ratio> {
    let powers: Vec<BigUint> = values.into_iter().filter_map(ions).collect();
    let count = BigUint::from(powers.len());
    if count.is_zero() {
        return None;
    }
    let mean = powers.iter().fold(BigUint::zero(), |sum, power| sum + power) / count;
    let mut power = one();
    let mut whole = 0u32;
    while whole < 20 && &power / 10u8 >= mean {
        power /= 10u8;
        whole += 1;
    }
    let mut units = u128::from(whole);
    for row in TENTHS.iter() {
        let fits = |digit: &usize| &power * &row[*digit] / one() >= mean;
        let digit = (0..10).rev().find(fits).unwrap_or(0);
        power = &power * &row[digit] / one();
        units = units * 10 + digit as u128;
    }
    let rounded = (units + 5) / 10;
    let scale = 10u128.pow(PLACES as u32 - 1);
    number::parse(&format!("{}.{:06}", rounded / scale, rounded % scale)).ok().map(Ratio::of)
}

/// The middle value; the mean of the two middle ones of an even number.
#[must_use]
pub fn median(values: &[Ratio]) -> Option<Ratio> {
    let mut sorted = values.to_vec();
    sorted.sort();
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        len if len % 2 == 1 => Some(sorted.swap_remove(middle)),
        _ => Ratio::mean([&sorted[middle - 1], &sorted[middle]]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str]) -> Vec<Ratio> {
        texts.iter().map(|text| Ratio::of(number::parse(text).expect("a number"))).collect()
    }

    #[test]
    fn a10_three_means_of_the_same_values_differ() {
        let values = of(&["6.2", "6.4", "7.1", "8.9", "9.2", "7.3"]);
        assert_eq!(mean(&values).expect("six").rounded(4), "6.7135");
        assert_eq!(median(&values).expect("six").rounded(1), "7.2");
        assert_eq!(Ratio::mean(&values).expect("six").rounded(4), "7.5167");
    }

    #[test]
    fn one_value_is_its_own_mean_to_the_last_digit() {
        for text in ["0", "6.9999", "7", "7.0001", "9", "13.99", "14"] {
            assert_eq!(mean(&of(&[text])).expect("one").shown(), text);
        }
        assert_eq!(mean(&of(&["-1"])), None);
    }
}
