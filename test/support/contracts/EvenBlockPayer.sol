// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// Pays a target in blocks of an even number and keeps the money in others: the same transaction, moved by a reorg,
/// is a payment in one block and none in the next.
contract EvenBlockPayer {
    function pay(address payable target, bytes calldata input) external payable {
        if (block.number % 2 != 0) return;
        (bool success, ) = target.call{value: msg.value}(input);
        require(success, "the target refused");
    }
}
