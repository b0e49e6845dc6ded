(module
  (import "host" "refillRead" (func $refillRead (param i64 i32) (result i32)))
  (import "host" "refillWrite" (func $refillWrite (param i64 i32) (result i32)))
  (import "host" "flagWords" (func $flagWords (param i32 i64 i64 i32)))
  (import "host" "memory" (memory 1))
  (func $region (export "region") (param i32) (result i32)
    (local i32 i64 i64 i64 i64 i32 i64 i32 i32 i64 i64 i32 i32 i32 i64 i64 i64 i64)
    (local.set 1 (i32.load offset=0x1000 (i32.const 0)))
    (local.set 2 (i64.load offset=0x80 (i32.const 0)))
    (local.set 5 (i64.load offset=0x88 (i32.const 0)))
    (local.set 6 (i32.load offset=0x90 (i32.const 0)))
    (local.set 15 (i64.load (i32.const 0)))
    (local.set 16 (i64.load offset=0x8 (i32.const 0)))
    (local.set 18 (i64.load offset=0x10 (i32.const 0)))
    (local.set 10 (i64.load offset=0x30 (i32.const 0)))
    (local.set 17 (i64.load offset=0x38 (i32.const 0)))
    (block $1
      (block $2
        (loop $3
          (@metadata.code.branch_hint "\00")
          (if
            (i32.lt_s (local.tee 1 (i32.add (local.get 1) (i32.const -7))) (i32.const 0))
            (then
              (local.set 9 (i32.const 15))
              (br $2)))
          (local.set 15
            (i64.extend_i32_u
              (local.tee 14
                (i32.load8_u
                  (local.tee 13
                    (@metadata.code.branch_hint "\01")
                    (if (result i32)
                      (i64.eq
                        (i64.load offset=0x10000
                          (local.tee 12
                            (i32.and
                              (i32.shr_u
                                (i32.wrap_i64 (local.tee 11 (i64.extend_i32_u (i32.wrap_i64 (local.get 10)))))
                                (i32.const 6))
                              (i32.const 131008))))
                        (i64.and (local.get 11) (i64.const -4096)))
                      (then
                        (i32.add (i32.load offset=0x10020 (local.get 12)) (i32.wrap_i64 (local.get 11))))
                      (else
                        (@metadata.code.branch_hint "\00")
                        (if
                          (i32.eqz (local.tee 13 (call $refillRead (local.get 11) (i32.const 1))))
                          (then
                            (local.set 9 (i32.const 15))
                            (br $2)))
                        (local.get 13))))))))
          (local.set 13
            (i32.wrap_i64
              (local.tee 16
                (i64.extend_i32_u
                  (local.tee 13 (i32.mul (local.tee 14 (i32.wrap_i64 (local.get 16))) (i32.const 31)))))))
          (local.set 14 (i32.wrap_i64 (local.get 15)))
          (local.set 16 (i64.extend_i32_u (local.tee 12 (i32.add (local.get 13) (local.get 14)))))
          (local.set 4 (i64.extend_i32_u (local.get 13)))
          (local.set 7 (i64.extend_i32_u (local.get 14)))
          (local.set 5 (i64.extend_i32_u (local.get 12)))
          (local.set 8 (i32.const 10))
          (i64.store32
            (local.tee 14
              (@metadata.code.branch_hint "\01")
              (if (result i32)
                (i64.eq
                  (i64.load offset=0x10008
                    (local.tee 12
                      (i32.and
                        (i32.shr_u
                          (i32.wrap_i64
                            (local.tee 11
                              (i64.extend_i32_u
                                (i32.add
                                  (i32.wrap_i64 (local.get 17))
                                  (i32.shl (i32.wrap_i64 (local.get 16)) (i32.const 2))))))
                          (i32.const 6))
                        (i32.const 131008))))
                  (i64.and (i64.add (local.get 11) (i64.const 3)) (i64.const -4096)))
                (then
                  (i32.add (i32.load offset=0x10020 (local.get 12)) (i32.wrap_i64 (local.get 11))))
                (else
                  (@metadata.code.branch_hint "\00")
                  (if
                    (i32.eqz (local.tee 14 (call $refillWrite (local.get 11) (i32.const 4))))
                    (then
                      (local.set 9 (i32.const 2057))
                      (br $2)))
                  (local.get 14))))
            (local.get 15))
          (local.set 12
            (i32.wrap_i64
              (local.tee 10
                (i64.extend_i32_u
                  (local.tee 12 (i32.add (local.tee 14 (i32.wrap_i64 (local.get 10))) (i32.const 1)))))))
          (local.set 14 (i32.wrap_i64 (local.get 18)))
          (local.set 13 (i32.sub (local.get 12) (local.get 14)))
          (local.set 4 (i64.extend_i32_u (local.get 12)))
          (local.set 7 (i64.extend_i32_u (local.get 14)))
          (local.set 5 (i64.extend_i32_u (local.get 13)))
          (local.set 8 (i32.const 18))
          (br_if $3 (i32.ne (i32.wrap_i64 (local.get 4)) (i32.wrap_i64 (local.get 7)))))
        (local.set 9 (i32.const 4097)))
      (local.set 3 (i64.add (local.get 2) (i64.extend_i32_s (i32.shr_s (local.get 9) (i32.const 8)))))
      (local.set 1 (i32.add (local.get 1) (i32.and (i32.shr_u (local.get 9) (i32.const 1)) (i32.const 127))))
      (local.set 9 (i32.and (local.get 9) (i32.const 1))))
    (i64.store offset=0x80 (i32.const 0) (i64.extend_i32_u (i32.wrap_i64 (local.get 3))))
    (i32.store offset=0x1000 (i32.const 0) (local.get 1))
    (i64.store (i32.const 0) (local.get 15))
    (i64.store offset=0x8 (i32.const 0) (local.get 16))
    (i64.store offset=0x30 (i32.const 0) (local.get 10))
    (if
      (i32.eqz (local.get 8))
      (then
        (i64.store offset=0x88 (i32.const 0) (local.get 5))
        (i32.store offset=0x90 (i32.const 0) (local.get 6)))
      (else
        (call $flagWords (local.get 8) (local.get 4) (local.get 5) (local.get 6))))
    (local.get 9)))
