//! Statistics in whole numbers and decimals, so that the same values give the same figures everywhere: medians, spread, correlation.

use rust_decimal::Decimal;
use rust_decimal::prelude::MathematicalOps;

/// Values are scaled down until they are smaller: then the products of a year of hours fit.
const SCALED_MAX: u64 = 1 << 24;

/// The middle one; of two the lower.
#[must_use]
pub(super) fn median(values: &[i64]) -> Option<i64> {
    let mut values = values.to_vec();
    let middle = values.len().checked_sub(1)? / 2;
    let (_, median, _) = values.select_nth_unstable(middle);
    Some(*median)
}

/// The median of the distances from the median.
#[must_use]
pub(super) fn mad(values: &[i64]) -> Option<(i64, i64)> {
    let middle = median(values)?;
    let distances: Vec<i64> = values.iter().map(|value| (value - middle).abs()).collect();
    Some((middle, median(&distances)?))
}

/// In the order of their size.
#[must_use]
pub(super) fn sorted(values: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut values: Vec<i64> = values.collect();
    values.sort_unstable();
    values
}

/// The value of a sorted row below which so many percent lie.
#[must_use]
pub(super) fn percentile(sorted: &[i64], percent: Decimal) -> Option<i64> {
    let place = (Decimal::from(sorted.len()) * percent / Decimal::ONE_HUNDRED).floor();
    let place = usize::try_from(place).ok()?.min(sorted.len().checked_sub(1)?);
    sorted.get(place).copied()
}

/// The place of that value among the rest of a sorted row of so many, where one of them is left out.
#[must_use]
pub(super) fn percentile_without(len: usize, without: usize, percent: Decimal) -> Option<usize> {
    let rest = len.checked_sub(1)?;
    let place = (Decimal::from(rest) * percent / Decimal::ONE_HUNDRED).floor();
    let place = usize::try_from(place).ok()?.min(rest.checked_sub(1)?);
    Some(place + usize::from(place >= without))
}

/// Count, sum and sum of squares.
#[must_use]
pub(super) fn sums(values: impl Iterator<Item = i64>) -> (i128, i128, i128) {
    values.fold((0, 0, 0), |(count, sum, squares), value| {
        let value = i128::from(value);
        (count + 1, sum + value, squares + value * value)
    })
}

/// The coefficient of correlation of pairs, to six decimals; none where one of the two does not move, or of fewer than three.
#[must_use]
pub(super) fn correlation(pairs: &[(i64, i64)]) -> Option<Decimal> {
    if pairs.len() < 3 {
        return None;
    }
    let one = scaled(pairs.iter().map(|(one, _)| *one));
    let other = scaled(pairs.iter().map(|(_, other)| *other));
    let count = one.len() as i128;
    let (mut x, mut y, mut xx, mut yy, mut xy) = (0i128, 0i128, 0i128, 0i128, 0i128);
    for (a, b) in one.iter().zip(&other) {
        let (a, b) = (i128::from(*a), i128::from(*b));
        (x, y, xx, yy, xy) = (x + a, y + b, xx + a * a, yy + b * b, xy + a * b);
    }
    let (covariance, left, right) = (count * xy - x * y, count * xx - x * x, count * yy - y * y);
    if left == 0 || right == 0 {
        return None;
    }
    // The roots are taken apart and with six decimals, so that neither the products overflow nor small figures are lost.
    let micro = 1_000_000_000_000_i128;
    let root = |value: i128| Some(value.checked_mul(micro)?.unsigned_abs().isqrt() as i128);
    let quotient = (covariance.checked_mul(micro)? / root(left)?.max(1)).checked_mul(1_000_000_000)? / root(right)?.max(1);
    let value = Decimal::from_i128_with_scale(quotient, 9).round_dp(6);
    Some(value.clamp(Decimal::NEGATIVE_ONE, Decimal::ONE))
}

/// Differences from the first value, small enough for products.
fn scaled(values: impl Iterator<Item = i64> + Clone) -> Vec<i64> {
    let first = values.clone().next().unwrap_or_default();
    let largest = values.clone().map(|value| value.abs_diff(first)).max().unwrap_or_default();
    let divisor = i64::try_from(largest / SCALED_MAX + 1).unwrap_or(i64::MAX);
    values.map(|value| (value - first) / divisor).collect()
}

/// Records by their sums: how many there are, their sum and that of their squares; of pairs of neighbours the number, the sum of
/// the first ones, of the second ones, and of the products.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Row {
    pub(super) count: i128,
    pub(super) sum: i128,
    pub(super) squares: i128,
    pub(super) pairs: i128,
    pub(super) firsts: i128,
    pub(super) seconds: i128,
    pub(super) products: i128,
}

/// The lag-1 autocorrelation of records, and the square of their coefficient of variation; none where they do not move or do not
/// follow on each other.
#[must_use]
pub(super) fn memory(row: &Row) -> Option<(Decimal, Decimal)> {
    let Row { count, sum, squares, pairs, firsts, seconds, products } = *row;
    let spread = count.checked_mul(squares)?.checked_sub(sum.checked_mul(sum)?)?;
    if count < 3 || pairs < 2 || sum == 0 || spread <= 0 {
        return None;
    }
    let million = Decimal::from(1_000_000);
    let share = |above: i128, below: i128| {
        // Both are brought below what a decimal holds.
        let shift = (128 - below.unsigned_abs().leading_zeros()).max(128 - above.unsigned_abs().leading_zeros()).saturating_sub(90);
        Decimal::try_from_i128_with_scale(above >> shift, 0).ok()?.checked_div(Decimal::try_from_i128_with_scale((below >> shift).max(1), 0).ok()?)
    };
    // The covariance of the pairs about their own means, over the variance of all.
    let covariance = pairs.checked_mul(products)?.checked_sub(firsts.checked_mul(seconds)?)?;
    let lag = share(covariance.checked_mul(count * count)?, spread.checked_mul(pairs * pairs)?)?;
    let variation = share(spread, sum.checked_mul(sum)?)?;
    Some(((lag * million).round() / million, variation.round_dp(12)))
}

/// The root of a decimal, to eight places.
#[must_use]
pub(super) fn root(value: Decimal) -> Option<Decimal> {
    Some(value.sqrt()?.round_dp(8))
}

/// The natural logarithm, to eight places.
#[must_use]
pub(super) fn ln(value: Decimal) -> Option<Decimal> {
    Some(value.checked_ln()?.round_dp(8))
}

/// e to the power of a decimal, to two places.
#[must_use]
pub(super) fn power(value: Decimal) -> Option<Decimal> {
    Some(value.checked_exp()?.round_dp(2).normalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_middle_values_the_lower_is_the_median() {
        assert_eq!(median(&[4, 1, 3, 2]), Some(2));
        assert_eq!(median(&[]), None);
        assert_eq!(mad(&[1, 2, 3, 100]), Some((2, 1)));
    }

    #[test]
    fn what_moves_together_correlates_and_what_stands_does_not() {
        let line: Vec<(i64, i64)> = (0..50).map(|at| (at * 1_000_000_007, 7 - at * 3)).collect();
        assert_eq!(correlation(&line), Some(Decimal::NEGATIVE_ONE));
        assert_eq!(correlation(&[(1, 5), (2, 5), (3, 5)]), None);
        // By hand: x 1 2 3 4, y 1 3 2 4: r = 0.8.
        assert_eq!(correlation(&[(1, 1), (2, 3), (3, 2), (4, 4)]), Some(Decimal::new(8, 1)));
    }

    #[test]
    fn memory_is_the_autocorrelation_of_a_row_by_its_sums() {
        // 1 2 1 2 1 2: each goes back on the one before.
        let row = Row { count: 6, sum: 9, squares: 15, pairs: 5, firsts: 7, seconds: 8, products: 10 };
        assert_eq!(memory(&row).map(|(lag, _)| lag), Some(Decimal::new(-96, 2)));
        let still = Row { count: 6, sum: 6, squares: 6, pairs: 5, firsts: 5, seconds: 5, products: 5 };
        assert_eq!(memory(&still), None);
    }

    #[test]
    fn a_percentile_is_a_value_of_the_row() {
        let values = sorted((1..=200).rev());
        assert_eq!(percentile(&values, Decimal::ONE), Some(3));
        assert_eq!(percentile(&values, Decimal::from(90)), Some(181));
        assert_eq!(percentile(&[], Decimal::ONE), None);
        // Of twenty-one the lowest is left out: five percent of the others lie below the second lowest of them.
        assert_eq!(percentile_without(21, 0, Decimal::from(5)), Some(2));
        assert_eq!(percentile_without(21, 7, Decimal::from(5)), Some(1));
        assert_eq!(percentile_without(1, 0, Decimal::from(5)), None);
    }
}
