(module
  (import "host" "flagWords" (func $flagWords (param i32 i64 i64 i32)))
  (import "host" "memory" (memory 1))
  (func $region (export "region") (param i32) (result i32)
    (local i32 i64 i64 i64 i64 i32 i64 i32 i32 i64 i64 i64)
    (local.set 1 (i32.load offset=0x1000 (i32.const 0)))
    (local.set 2 (i64.load offset=0x80 (i32.const 0)))
    (local.set 5 (i64.load offset=0x88 (i32.const 0)))
    (local.set 6 (i32.load offset=0x90 (i32.const 0)))
    (local.set 12 (i64.load offset=0x8 (i32.const 0)))
    (local.set 10 (i64.load offset=0x18 (i32.const 0)))
    (local.set 11 (i64.load offset=0x38 (i32.const 0)))
    (block $1
      (block $2
        (@metadata.code.branch_hint "\00")
        (if
          (i32.lt_s (local.tee 1 (i32.add (local.get 1) (i32.const -2))) (i32.const 0))
          (then
            (local.set 9 (i32.const 5))
            (br $2)))
        (local.set 11 (local.get 10))
        (local.set 12 (i64.const 64))
        (local.set 9 (i32.const 2049)))
      (local.set 3 (i64.add (local.get 2) (i64.extend_i32_s (i32.shr_s (local.get 9) (i32.const 8)))))
      (local.set 1 (i32.add (local.get 1) (i32.and (i32.shr_u (local.get 9) (i32.const 1)) (i32.const 127))))
      (local.set 9 (i32.and (local.get 9) (i32.const 1))))
    (i64.store offset=0x80 (i32.const 0) (local.get 3))
    (i32.store offset=0x1000 (i32.const 0) (local.get 1))
    (i64.store offset=0x8 (i32.const 0) (local.get 12))
    (i64.store offset=0x38 (i32.const 0) (local.get 11))
    (if
      (i32.eqz (local.get 8))
      (then
        (i64.store offset=0x88 (i32.const 0) (local.get 5))
        (i32.store offset=0x90 (i32.const 0) (local.get 6)))
      (else
        (call $flagWords (local.get 8) (local.get 4) (local.get 5) (local.get 6))))
    (local.get 9)))
