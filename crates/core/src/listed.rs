//! Enums whose values are listed.

/// Declares an enum with the list `ALL` of its values, so that none is missing in it.
///
/// ```
/// extension_registry_core::listed! {
///     /// A side of a road.
///     #[derive(Clone, Copy, Debug, PartialEq)]
///     pub enum Side {
///         /// The left one.
///         Left,
///         /// The right one.
///         Right,
///     }
/// }
///
/// assert_eq!(Side::ALL, [Side::Left, Side::Right]);
/// ```
#[macro_export]
macro_rules! listed {
    (
        $(#[$enum_attribute:meta])*
        $visibility:vis enum $name:ident {
            $($(#[$attribute:meta])* $variant:ident,)*
        }
    ) => {
        $(#[$enum_attribute])*
        $visibility enum $name {
            $($(#[$attribute])* $variant,)*
        }

        impl $name {
            /// All values, in the order of their declaration.
            $visibility const ALL: [Self; [$(stringify!($variant)),*].len()] =
                [$(Self::$variant),*];
        }
    };
}
