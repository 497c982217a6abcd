//! Deviations that are tolerated, each by a name of its own: HJ 212-2017's own errors and the dialects of the field.
//! A quirk never changes an answer and never costs a packet; it is counted, and shown by `decode`.

macro_rules! quirks {
    ($($variant:ident $name:literal $says:literal;)*) => {
        /// One named deviation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Quirk { $(#[doc = $says] $variant,)* }

        impl Quirk {
            /// Every quirk, in the order of this file.
            pub const ALL: &'static [Quirk] = &[$(Quirk::$variant,)*];

            /// The name under which it is counted.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Quirk::$variant => $name,)* }
            }

            /// What the sender did, in one phrase.
            #[must_use]
            pub const fn says(self) -> &'static str {
                match self { $(Quirk::$variant => $says,)* }
            }
        }
    };
}

quirks! {
    LineEndMissing "line_end_missing" "no CR LF after the check";
    LineFeedOnly "line_feed_only" "LF alone after the check";
    TextAfterCrc "text_after_crc" "other text between the check and the line end";
    CrcLowerCase "crc_lower_case" "the check is written in lower case";
    CrcShort "crc_short" "the check lost its leading zeros";
    CrcModbus "crc_modbus" "the check is CRC-16/MODBUS, allowed for this logger";
    CrcModbusSwapped "crc_modbus_swapped" "the check is CRC-16/MODBUS with its bytes swapped, allowed for this logger";
    LengthNotFourDigits "length_not_four_digits" "the length is not written with four digits";
    LengthWrong "length_wrong" "the length does not fit; the closing && and the check decided";
    LengthCountsTrailer "length_counts_trailer" "the length counts the check and CR LF too";
    LengthCountsCharacters "length_counts_characters" "the length counts characters instead of bytes";
    SegmentOver1024 "segment_over_1024" "the data segment is longer than 1024 bytes";
    SemicolonAroundSegment "semicolon_around_segment" "a ; stands after the length or before the check";
    Sm4Encrypted "sm4_encrypted" "the data area was encrypted with SM4";
    Sm4AsHexList "sm4_as_hex_list" "the encrypted area was written as {0x..,0x..}";
    TextGbk "text_gbk" "the text is GBK, not UTF-8";
    TextUndecodable "text_undecodable" "bytes that are neither UTF-8 nor GBK were replaced";
    Blanks "blanks" "blanks around names, values or items";
    FullWidthPunctuation "full_width_punctuation" "full-width punctuation stands for the ASCII signs";
    CpNotDelimited "cp_not_delimited" "the data area is not closed by &&";
    CpSingleAmpersand "cp_single_ampersand" "a single & delimits the data area";
    HeaderNameCase "header_name_case" "a header name is not written as the standard writes it";
    HeaderComma "header_comma" "a comma separates header fields";
    HeaderStraySeparator "header_stray_separator" "an empty item stands in the header";
    HeaderGlued "header_glued" "the ; before CP is missing";
    HeaderUnknownField "header_unknown_field" "a header field that no edition knows";
    QnMissing "qn_missing" "no QN in the header";
    QnEmpty "qn_empty" "QN is empty";
    QnNotFirst "qn_not_first" "QN is not the first field";
    QnInsideCp "qn_inside_cp" "QN stands in the data area of an upload";
    QnNot17Digits "qn_not_17_digits" "QN is not a stamp of 17 digits";
    PwMissing "pw_missing" "no PW in the header";
    PwNotSix "pw_not_six" "PW does not have six characters";
    MnMissing "mn_missing" "no MN in the header";
    MnBeforePw "mn_before_pw" "MN stands before PW";
    MnUnusual "mn_unusual" "MN is not what its edition prescribes (24 hex digits, 14 characters in 2005)";
    StUnknown "st_unknown" "ST stands in no edition's table";
    FlagMissing "flag_missing" "no Flag in the header";
    FlagUnreadable "flag_unreadable" "Flag is not a number of 0–255";
    SplitWithoutParts "split_without_parts" "Flag announces PNUM and PNO, which are missing";
    PartsWithoutSplit "parts_without_split" "PNUM and PNO stand without their Flag bit";
    PartsInsideCp "parts_inside_cp" "PNUM and PNO stand in the data area";
    PnoBeforePnum "pno_before_pnum" "PNO stands before PNUM";
    TrailingSemicolon "trailing_semicolon" "a ; stands before the closing &&";
    EmptyItem "empty_item" "an empty item stands in the data area";
    CommaBetweenItems "comma_between_items" "a comma separates plain pairs";
    SeparatorLost "separator_lost" "the separator between two items was lost";
    WordWithoutValue "word_without_value" "an item has no =";
    EmptyValue "empty_value" "a name has an empty value";
    FieldNameCase "field_name_case" "a field name is written in another case than the table's";
    RepeatedPolId "repeated_pol_id" "several PolId groups in one packet";
    RepeatedField "repeated_field" "the same field stands twice";
    RepeatedFactor "repeated_factor" "the same factor stands in two groups";
    BareFlag "bare_flag" "a data mark without a factor";
    MarkerLowerCase "marker_lower_case" "a data mark in lower case";
    MarkerUnknown "marker_unknown" "a data mark that the edition's table does not have";
    CodeUpperCase "code_upper_case" "a factor code in upper case";
    CodeIsName "code_is_name" "a name stands where a factor code should";
    CodeTenCharacters "code_ten_characters" "a factor code of ten characters";
    CodesMixed "codes_mixed" "2005 and 2017 factor codes in one packet";
    FactorForeignToSystem "factor_foreign_to_system" "factors of another medium than the system code's";
    SuffixUnknown "suffix_unknown" "a field suffix that no edition's table has";
    ValueNegative "value_negative" "a negative value";
    ValueFourDecimals "value_four_decimals" "a value with four or more decimals";
    ValueNotNumber "value_not_number" "a value that is not a decimal number";
    AllZeroMarkedFault "all_zero_marked_fault" "every value is zero and marked D";
    Time17Digits "time_17_digits" "a stamp with milliseconds where 14 digits belong";
    TimeUnreadable "time_unreadable" "a stamp that is no time";
    DataTimeOffGrid "data_time_off_grid" "DataTime of interval data with seconds";
    DataTimeAfterQn "data_time_after_qn" "DataTime is later than QN";
    StampIsEnd "stamp_is_end" "DataTime of minute data is the QN's own minute: the end, not the start";
    RestartWithData "restart_with_data" "2081 carries measured values";
    AnswerWithContent "answer_with_content" "9013 or 9014 carries content";
    AnswerStNot91 "answer_st_not_91" "an answer whose ST is not 91";
    AnswerAsksForAnswer "answer_asks_for_answer" "an answer that asks for an answer";
    HeartbeatDialect "heartbeat_dialect" "a heartbeat or login before its edition had one (9015, 9021)";
    EditionUnknown "edition_unknown" "the version bits of Flag name no known edition";
}

/// A set of quirks. Order and arrival do not matter; two packets with the same deviations have equal sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct QuirkSet(u128);

impl QuirkSet {
    /// Adds one.
    pub fn insert(&mut self, quirk: Quirk) {
        self.0 |= 1 << quirk as u8;
    }

    /// Adds one when `seen`.
    pub fn insert_if(&mut self, seen: bool, quirk: Quirk) {
        self.0 |= u128::from(seen) << quirk as u8;
    }

    /// Adds all of another set.
    pub fn extend(&mut self, other: QuirkSet) {
        self.0 |= other.0;
    }

    /// Whether the set has it.
    #[must_use]
    pub fn contains(self, quirk: Quirk) -> bool {
        self.0 & (1 << quirk as u8) != 0
    }

    /// Whether the packet is as the standard has it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The quirks in the order of this file.
    pub fn iter(self) -> impl Iterator<Item = Quirk> {
        Quirk::ALL.iter().copied().filter(move |&quirk| self.contains(quirk))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quirk_has_its_own_name_and_fits_the_set() {
        assert!(Quirk::ALL.len() <= 128);
        let mut names: Vec<_> = Quirk::ALL.iter().map(|quirk| quirk.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Quirk::ALL.len());
    }

    #[test]
    fn a_set_holds_what_was_put_in() {
        let mut set = QuirkSet::default();
        set.insert(Quirk::LineFeedOnly);
        set.insert_if(false, Quirk::Blanks);
        set.insert(Quirk::EditionUnknown);
        assert_eq!(set.iter().collect::<Vec<_>>(), [Quirk::LineFeedOnly, Quirk::EditionUnknown]);
    }
}
