//! Which indexes follow each other.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Names the indexes of one repository, from its first on. One key may sign the indexes of two repositories;
/// the series keeps the index of one from standing for that of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Series([u8; 16]);

/// A text that names no series.
#[derive(thiserror::Error, Clone, Copy, Debug, PartialEq, Eq)]
#[error("a series has 32 of the digits 0 to 9 and a to f")]
pub struct NoSeries;

impl Series {
    /// One that nobody else has.
    ///
    /// # Errors
    /// When the machine has no random numbers.
    pub fn draw() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Series {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl FromStr for Series {
    type Err = NoSeries;

    fn from_str(text: &str) -> Result<Self, NoSeries> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 32 || !text.bytes().all(is_digit) {
            return Err(NoSeries);
        }
        let number = u128::from_str_radix(text, 16).map_err(|_| NoSeries)?;
        Ok(Self(number.to_be_bytes()))
    }
}

impl TryFrom<String> for Series {
    type Error = NoSeries;

    fn try_from(text: String) -> Result<Self, NoSeries> {
        text.parse()
    }
}

impl From<Series> for String {
    fn from(series: Series) -> Self {
        series.to_string()
    }
}
