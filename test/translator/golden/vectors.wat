(module
  (import "host" "refillRead" (func $refillRead (param i64 i32) (result i32)))
  (import "host" "refillWrite" (func $refillWrite (param i64 i32) (result i32)))
  (import "host" "flagWords" (func $flagWords (param i32 i64 i64 i32)))
  (import "host" "sum_f32x4" (func $sum_f32x4 (param v128 v128 v128) (result i32)))
  (import "host" "memory" (memory 1))
  (func $region (export "region") (param i32) (result i32)
    (local i32 i64 i64 i64 i64 i32 i64 i32 i32 i64 i64 i64 i32 i32 v128 v128 i64 v128 v128 v128 v128 i64 i64 i64)
    (local.set 1 (i32.load offset=0x1000 (i32.const 0)))
    (local.set 2 (i64.load offset=0x80 (i32.const 0)))
    (local.set 5 (i64.load offset=0x88 (i32.const 0)))
    (local.set 6 (i32.load offset=0x90 (i32.const 0)))
    (local.set 11 (i64.load offset=0x8 (i32.const 0)))
    (local.set 23 (i64.load offset=0x10 (i32.const 0)))
    (local.set 10 (i64.load offset=0x30 (i32.const 0)))
    (local.set 17 (i64.load offset=0x38 (i32.const 0)))
    (local.set 16 (v128.load offset=0x590 (i32.const 0)))
    (local.set 18 (v128.load offset=0x5a0 (i32.const 0)))
    (local.set 19 (v128.load offset=0x5b0 (i32.const 0)))
    (block $1
      (block $2
        (loop $3
          (@metadata.code.branch_hint "\00")
          (if
            (i32.lt_s (local.tee 1 (i32.add (local.get 1) (i32.const -8))) (i32.const 0))
            (then
              (local.set 9 (i32.const 17))
              (br $2)))
          (@metadata.code.branch_hint "\00")
          (if
            (i32.or
              (i32.and (i32.load offset=0x1c0 (i32.const 0)) (i32.const 12))
              (i32.xor (i32.and (i32.load offset=0x1d8 (i32.const 0)) (i32.const 512)) (i32.const 512)))
            (then
              (local.set 9 (i32.const 17))
              (br $2)))
          (local.set 16
            (local.tee 15
              (v128.load
                (local.tee 14
                  (@metadata.code.branch_hint "\01")
                  (if (result i32)
                    (i64.eq
                      (i64.load offset=0x10000
                        (local.tee 13
                          (i32.and
                            (i32.shr_u
                              (i32.wrap_i64 (local.tee 12 (i64.add (local.get 10) (local.get 11))))
                              (i32.const 6))
                            (i32.const 131008))))
                      (i64.and (i64.add (local.get 12) (i64.const 15)) (i64.const -4096)))
                    (then
                      (i32.add (i32.load offset=0x10020 (local.get 13)) (i32.wrap_i64 (local.get 12))))
                    (else
                      (@metadata.code.branch_hint "\00")
                      (if
                        (i32.eqz (local.tee 14 (call $refillRead (local.get 12) (i32.const 16))))
                        (then
                          (local.set 9 (i32.const 17))
                          (br $2)))
                      (local.get 14)))))))
          (local.set 18
            (local.tee 15
              (v128.load
                (local.tee 13
                  (@metadata.code.branch_hint "\01")
                  (if (result i32)
                    (i64.eq
                      (i64.load offset=0x10000
                        (local.tee 14
                          (i32.and
                            (i32.shr_u
                              (i32.wrap_i64 (local.tee 12 (i64.add (local.get 17) (local.get 11))))
                              (i32.const 6))
                            (i32.const 131008))))
                      (i64.and (i64.add (local.get 12) (i64.const 15)) (i64.const -4096)))
                    (then
                      (i32.add (i32.load offset=0x10020 (local.get 14)) (i32.wrap_i64 (local.get 12))))
                    (else
                      (@metadata.code.branch_hint "\00")
                      (if
                        (i32.eqz (local.tee 13 (call $refillRead (local.get 12) (i32.const 16))))
                        (then
                          (local.set 9 (i32.const 1039))
                          (br $2)))
                      (local.get 13)))))))
          (local.set 15 (local.get 16))
          (local.set 19 (i32x4.add (local.tee 20 (local.get 19)) (local.get 15)))
          (local.set 20 (local.get 18))
          (local.set 21 (f32x4.add (local.tee 15 (local.get 16)) (local.get 20)))
          (block $4
            (block $5
              (br_if $5
                (i32.eqz
                  (i32x4.all_true
                    (i32x4.min_u
                      (i32x4.min_u
                        (v128.and
                          (i32x4.add
                            (local.get 15)
                            (v128.const i8x16 0x0 0x0 0x80 0x0 0x0 0x0 0x80 0x0 0x0 0x0 0x80 0x0 0x0 0x0 0x80 0x0))
                          (v128.const i8x16 0x0 0x0 0x0 0x7f 0x0 0x0 0x0 0x7f 0x0 0x0 0x0 0x7f 0x0 0x0 0x0 0x7f))
                        (v128.and
                          (i32x4.add
                            (local.get 20)
                            (v128.const i8x16 0x0 0x0 0x80 0x0 0x0 0x0 0x80 0x0 0x0 0x0 0x80 0x0 0x0 0x0 0x80 0x0))
                          (v128.const i8x16 0x0 0x0 0x0 0x7f 0x0 0x0 0x0 0x7f 0x0 0x0 0x0 0x7f 0x0 0x0 0x0 0x7f)))
                      (v128.and
                        (i32x4.add
                          (local.get 21)
                          (v128.const i8x16 0x0 0x0 0x80 0x0 0x0 0x0 0x80 0x0 0x0 0x0 0x80 0x0 0x0 0x0 0x80 0x0))
                        (v128.const i8x16 0x0 0x0 0x0 0x7f 0x0 0x0 0x0 0x7f 0x0 0x0 0x0 0x7f 0x0 0x0 0x0 0x7f))))))
              (br_if $5
                (i32.ne (i32.and (i32.load offset=0x580 (i32.const 0)) (i32.const 28704)) (i32.const 4128)))
              (br $4))
            (@metadata.code.branch_hint "\00")
            (if
              (local.tee 13 (call $sum_f32x4 (local.get 15) (local.get 20) (local.get 21)))
              (then
                (local.set 9 (i32.const 3083))
                (br $2))))
          (local.set 16 (local.get 21))
          (v128.store
            (local.tee 14
              (@metadata.code.branch_hint "\01")
              (if (result i32)
                (i64.eq
                  (i64.load offset=0x10008
                    (local.tee 13
                      (i32.and
                        (i32.shr_u
                          (i32.wrap_i64 (local.tee 12 (i64.add (local.get 17) (local.get 11))))
                          (i32.const 6))
                        (i32.const 131008))))
                  (i64.and (i64.add (local.get 12) (i64.const 15)) (i64.const -4096)))
                (then
                  (i32.add (i32.load offset=0x10020 (local.get 13)) (i32.wrap_i64 (local.get 12))))
                (else
                  (@metadata.code.branch_hint "\00")
                  (if
                    (i32.eqz (local.tee 14 (call $refillWrite (local.get 12) (i32.const 16))))
                    (then
                      (local.set 9 (i32.const 3849))
                      (br $2)))
                  (local.get 14))))
            (local.get 16))
          (local.set 22 (local.tee 11 (local.tee 22 (i64.add (local.tee 12 (local.get 11)) (i64.const 16)))))
          (local.set 12 (local.get 23))
          (local.set 24 (i64.sub (local.get 22) (local.get 12)))
          (local.set 4 (local.get 22))
          (local.set 7 (local.get 12))
          (local.set 5 (local.get 24))
          (local.set 8 (i32.const 19))
          (br_if $3 (i64.lt_u (local.get 4) (local.get 7))))
        (local.set 9 (i32.const 7169)))
      (local.set 3 (i64.add (local.get 2) (i64.extend_i32_s (i32.shr_s (local.get 9) (i32.const 8)))))
      (local.set 1 (i32.add (local.get 1) (i32.and (i32.shr_u (local.get 9) (i32.const 1)) (i32.const 127))))
      (local.set 9 (i32.and (local.get 9) (i32.const 1))))
    (i64.store offset=0x80 (i32.const 0) (local.get 3))
    (i32.store offset=0x1000 (i32.const 0) (local.get 1))
    (i64.store offset=0x8 (i32.const 0) (local.get 11))
    (v128.store offset=0x590 (i32.const 0) (local.get 16))
    (v128.store offset=0x5a0 (i32.const 0) (local.get 18))
    (v128.store offset=0x5b0 (i32.const 0) (local.get 19))
    (if
      (i32.eqz (local.get 8))
      (then
        (i64.store offset=0x88 (i32.const 0) (local.get 5))
        (i32.store offset=0x90 (i32.const 0) (local.get 6)))
      (else
        (call $flagWords (local.get 8) (local.get 4) (local.get 5) (local.get 6))))
    (local.get 9)))
