// Enums, slices, generics and traits of Rust, for the symbol tests.
#![allow(dead_code)]
use std::hint::black_box;

#[derive(Clone, Copy)]
enum Plain {
    One = 1,
    Two = -2,
}

enum Shape {
    Nothing,
    Circle(f64),
    Rectangle { width: u32, height: u32 },
}

struct Pair<T> {
    first: T,
    second: Option<T>,
}

trait Area {
    fn area(&self) -> f64;
}

impl Area for Shape {
    #[inline(never)]
    fn area(&self) -> f64 {
        match self {
            Shape::Nothing => 0.0,
            Shape::Circle(r) => r * r * 3.0,
            Shape::Rectangle { width, height } => f64::from(width * height),
        }
    }
}

mod deep {
    pub mod nested {
        #[inline(never)]
        pub fn generic<T: Copy + Into<i64>>(values: &[T], name: &str) -> i64 {
            let mut total = name.len() as i64;
            for value in values {
                total += (*value).into();
            }
            total
        }
    }
}

static GREETING: &str = "hello";

#[inline(never)]
fn inspect(shape: &Shape, pair: &Pair<&u32>, plain: Plain, boxed: Option<Box<u32>>) -> i64 {
    let area = shape.area() as i64;
    let picked = pair.second.map_or(0, |value| i64::from(*value));
    black_box(area + picked + plain as i64 + boxed.map_or(0, |b| i64::from(*b)) + i64::from(*pair.first))
}

fn main() {
    let shapes = [Shape::Nothing, Shape::Circle(2.0), Shape::Rectangle { width: 3, height: 4 }];
    let number = black_box(5u32);
    let pair = Pair { first: &number, second: Some(&number) };
    let mut total = 0;
    for shape in &shapes {
        total += inspect(shape, &pair, Plain::Two, Some(Box::new(9)));
    }
    total += deep::nested::generic(&[1i32, 2, 3], GREETING);
    std::process::exit(i32::from(black_box(total) == 0));
}
